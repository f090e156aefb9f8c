/*
 * Virtual joysticks in the emulator's process, for test_display.py: preloaded,
 * it carries out the lines that come through the FIFO which JOYSTICK_FIFO
 * names.
 *
 *   plug                      one with two axes, four buttons, a hat
 *   pull N
 *   axis N WHICH VALUE        -32768 to 32767
 *   button N WHICH 0|1
 *   hat N VALUE               SDL_HAT_...
 *
 * N counts the ones plugged, from 0 on.  What the emulator gets are SDL's own
 * events (SDL_JoystickAttachVirtualEx(), of SDL 2.24).
 */
#include <SDL.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static SDL_JoystickID sticks[8];
static int n_sticks;

static void plug(void)
{
    SDL_VirtualJoystickDesc d = {.version = SDL_VIRTUAL_JOYSTICK_DESC_VERSION,
                                 .type = SDL_JOYSTICK_TYPE_FLIGHT_STICK,
                                 .naxes = 2,
                                 .nbuttons = 4,
                                 .nhats = 1,
                                 .name = "virtual"};
    int index = SDL_JoystickAttachVirtualEx(&d);

    if (index < 0 || n_sticks == 8)
        abort();
    sticks[n_sticks++] = SDL_JoystickGetDeviceInstanceID(index);
}

static void pull(int n)
{
    for (int i = 0; i < SDL_NumJoysticks(); i++)
        if (SDL_JoystickGetDeviceInstanceID(i) == sticks[n]) {
            SDL_JoystickDetachVirtual(i);
            return;
        }
    abort();
}

static void carry_out(const char *line)
{
    SDL_Joystick *j;
    int n = 0, a = 0, b = 0;
    char what[16];

    if (sscanf(line, "%15s %d %d %d", what, &n, &a, &b) < 1 || n < 0 || n > 7)
        abort();
    SDL_LockJoysticks();
    j = SDL_JoystickFromInstanceID(sticks[n]); /* if it was opened */
    if (!strcmp(what, "plug"))
        plug();
    else if (!strcmp(what, "pull"))
        pull(n);
    else if (!strcmp(what, "axis"))
        SDL_JoystickSetVirtualAxis(j, a, (Sint16)b);
    else if (!strcmp(what, "button"))
        SDL_JoystickSetVirtualButton(j, a, (Uint8)b);
    else if (!strcmp(what, "hat"))
        SDL_JoystickSetVirtualHat(j, 0, (Uint8)a);
    else
        abort();
    SDL_UnlockJoysticks();
}

static void *serve(void *name)
{
    FILE *f = fopen(name, "r");
    char line[80];

    while (f && fgets(line, sizeof(line), f))
        carry_out(line);
    return NULL;
}

/* What the emulator calls, ahead of SDL. */
int SDL_InitSubSystem(Uint32 flags)
{
    int (*init)(Uint32 flags);
    char *name = getenv("JOYSTICK_FIFO");
    pthread_t thread;
    int result;

    *(void **)&init = dlsym(RTLD_NEXT, "SDL_InitSubSystem");
    result = init(flags);
    if (!result && (flags & SDL_INIT_JOYSTICK) && name &&
        pthread_create(&thread, NULL, serve, name))
        abort();
    return result;
}
