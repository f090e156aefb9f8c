/* The host's joysticks, by SDL: two of them, as a game port has them. */
#ifndef FRONTEND_DISPLAY_SDL_JOYSTICK_H
#define FRONTEND_DISPLAY_SDL_JOYSTICK_H

#include <SDL.h>
#include <stdbool.h>

#include "devices/gameport.h"

struct sdl_joysticks {
    SDL_Joystick *stick[2]; /* NULL: not plugged in */
    struct joysticks state;
};

/* On SDL's thread, all of them.  false: SDL has none here. */
bool sdl_joysticks_open(struct sdl_joysticks *j);
void sdl_joysticks_close(struct sdl_joysticks *j);
/* Has it changed the state? */
bool sdl_joysticks_event(struct sdl_joysticks *j, const SDL_Event *e);

#endif
