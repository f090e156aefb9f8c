/* What SDL should be asked for under Wayland. */
#ifndef FRONTEND_DISPLAY_SDL_WAYLAND_H
#define FRONTEND_DISPLAY_SDL_WAYLAND_H

#include <stdbool.h>

/* Would SDL crash on the Wayland compositor that it would find?  Before
 * SDL_Init(), on any thread. */
bool sdl_wayland_crashes(void);

#endif
