/*
 * A Wayland compositor without a seat (no keyboard and no mouse, as Weston's
 * headless and RDP ones) crashes SDL before 2.30 within SDL_Init(): it takes
 * the seat's mouse for granted (libsdl-org/SDL, issue 8898).  So the compositor
 * is asked first what it has, by the library that SDL would use.
 *
 * The Wayland Protocol, appendix A: wl_display.get_registry is its request 1,
 * and wl_registry has the events global and global_remove.
 */
#include "frontend/display/sdl_wayland.h"

#include <SDL.h>
#include <dlfcn.h>
#include <string.h>

enum { GET_REGISTRY = 1 };

static void global(void *has_seat, void *registry, Uint32 name,
                   const char *interface, Uint32 version)
{
    (void)registry, (void)name, (void)version;
    if (!strcmp(interface, "wl_seat"))
        *(bool *)has_seat = true;
}

static void global_remove(void *has_seat, void *registry, Uint32 name)
{
    (void)has_seat, (void)registry, (void)name;
}

/* false: also where there is no compositor. */
static bool lacks_seat(void *lib)
{
    static void (*const listener[])(void) = {(void (*)(void))global,
                                             (void (*)(void))global_remove};
    const void *interface = dlsym(lib, "wl_registry_interface");
    void *(*display_connect)(const char *name);
    void (*display_disconnect)(void *display);
    int (*display_roundtrip)(void *display);
    void *(*construct)(void *proxy, Uint32 request, const void *interface, ...);
    int (*listen)(void *proxy, void (*const *listener)(void), void *data);
    void (*destroy)(void *proxy);
    void *display, *registry;
    bool asked = false, has_seat = false;

    *(void **)&display_connect = dlsym(lib, "wl_display_connect");
    *(void **)&display_disconnect = dlsym(lib, "wl_display_disconnect");
    *(void **)&display_roundtrip = dlsym(lib, "wl_display_roundtrip");
    *(void **)&construct = dlsym(lib, "wl_proxy_marshal_constructor");
    *(void **)&listen = dlsym(lib, "wl_proxy_add_listener");
    *(void **)&destroy = dlsym(lib, "wl_proxy_destroy");
    if (!interface || !display_connect || !display_disconnect ||
        !display_roundtrip || !construct || !listen || !destroy ||
        !(display = display_connect(NULL)))
        return false;
    registry = construct(display, GET_REGISTRY, interface, NULL);
    if (registry) {
        asked = !listen(registry, listener, &has_seat) &&
                display_roundtrip(display) >= 0;
        destroy(registry);
    }
    display_disconnect(display);
    return asked && !has_seat;
}

/* Is there somewhere to look?  The library complains on stderr if not, and a
 * socket that was inherited is used up by who asks first. */
static bool can_ask(void)
{
    const char *name = SDL_getenv("WAYLAND_DISPLAY");

    return !SDL_getenv("WAYLAND_SOCKET") &&
           (SDL_getenv("XDG_RUNTIME_DIR") || (name && *name == '/'));
}

bool sdl_wayland_crashes(void)
{
    SDL_version v;
    void *lib;
    bool result;

    SDL_GetVersion(&v);
    if (v.major > 2 || v.minor >= 30 || !can_ask())
        return false;
    lib = dlopen("libwayland-client.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!lib)
        return false;
    result = lacks_seat(lib);
    dlclose(lib);
    return result;
}
