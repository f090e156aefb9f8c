/*
 * The host's joysticks, by SDL.
 *
 * The first two that are plugged in; the first two axes of each, or its first
 * hat, and its buttons, of which all odd ones are the first and all even ones
 * the second.  While the window has no focus SDL tells nothing.
 */
#include "frontend/display/sdl_joystick.h"

#include <string.h>

enum { MIDDLE = 128 };

static int find(const struct sdl_joysticks *j, SDL_JoystickID id)
{
    for (int i = 0; i < 2; i++)
        if (j->stick[i] && SDL_JoystickInstanceID(j->stick[i]) == id)
            return i;
    return -1;
}

static void clear(struct sdl_joysticks *j, int i)
{
    j->state.present &= (uint8_t) ~(1 << i);
    j->state.buttons &= (uint8_t) ~(3 << 2 * i);
    j->state.axis[2 * i] = j->state.axis[2 * i + 1] = MIDDLE;
}

/* The same one may be told of again, as those that are there at the start. */
static void plug(struct sdl_joysticks *j, int device)
{
    int i = j->stick[0] ? 1 : 0;

    if (j->stick[i] || find(j, SDL_JoystickGetDeviceInstanceID(device)) >= 0)
        return;
    j->stick[i] = SDL_JoystickOpen(device);
    if (!j->stick[i])
        return;
    clear(j, i);
    j->state.present |= (uint8_t)(1 << i);
}

static void unplug(struct sdl_joysticks *j, int i)
{
    SDL_JoystickClose(j->stick[i]);
    j->stick[i] = NULL;
    clear(j, i);
}

static void set_button(struct sdl_joysticks *j, int i, unsigned button,
                       bool down)
{
    uint8_t bit = (uint8_t)(1u << (2 * i + (int)(button & 1)));

    j->state.buttons =
        (uint8_t)(down ? j->state.buttons | bit : j->state.buttons & ~bit);
}

static uint8_t of_hat(unsigned value, unsigned low, unsigned high)
{
    return value & low ? 0 : value & high ? 255 : MIDDLE;
}

static void set_hat(struct sdl_joysticks *j, int i, uint8_t value)
{
    j->state.axis[2 * i] = of_hat(value, SDL_HAT_LEFT, SDL_HAT_RIGHT);
    j->state.axis[2 * i + 1] = of_hat(value, SDL_HAT_UP, SDL_HAT_DOWN);
}

static void event(struct sdl_joysticks *j, const SDL_Event *e)
{
    int i;

    switch (e->type) {
    case SDL_JOYDEVICEADDED:
        plug(j, e->jdevice.which);
        break;
    case SDL_JOYDEVICEREMOVED:
        if ((i = find(j, e->jdevice.which)) < 0)
            break;
        unplug(j, i);
        /* One that there was no room for takes its place. */
        for (int device = 0; device < SDL_NumJoysticks(); device++)
            plug(j, device);
        break;
    case SDL_JOYAXISMOTION:
        if ((i = find(j, e->jaxis.which)) >= 0 && e->jaxis.axis < 2)
            j->state.axis[2 * i + e->jaxis.axis] =
                (uint8_t)((e->jaxis.value + 32768) >> 8);
        break;
    case SDL_JOYHATMOTION:
        if ((i = find(j, e->jhat.which)) >= 0 && e->jhat.hat == 0)
            set_hat(j, i, e->jhat.value);
        break;
    case SDL_JOYBUTTONDOWN:
    case SDL_JOYBUTTONUP:
        if ((i = find(j, e->jbutton.which)) >= 0)
            set_button(j, i, e->jbutton.button,
                       e->jbutton.state == SDL_PRESSED);
        break;
    }
}

bool sdl_joysticks_event(struct sdl_joysticks *j, const SDL_Event *e)
{
    struct joysticks old = j->state;

    event(j, e);
    return memcmp(&old, &j->state, sizeof(old)) != 0;
}

bool sdl_joysticks_open(struct sdl_joysticks *j)
{
    clear(j, 0);
    clear(j, 1);
    return !SDL_InitSubSystem(SDL_INIT_JOYSTICK);
}

void sdl_joysticks_close(struct sdl_joysticks *j)
{
    for (int i = 0; i < 2; i++)
        if (j->stick[i])
            unplug(j, i);
}
