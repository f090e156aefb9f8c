/*
 * A window on the host's desktop, by SDL 2.
 *
 * All of SDL happens on a thread of its own.  SDL has no descriptor that the
 * main loop's ppoll() could watch on every window system, and presenting a
 * frame waits for the host's beam; the thread sleeps in SDL_WaitEvent()
 * instead, which blocks on the window system's socket.  What it does to the
 * machine goes through functions that any thread may call.
 *
 * While the window is to be seen, the machine's screen is looked at, 60 times
 * a second at most and, as long as nothing changes, at doubling intervals up
 * to SLOWEST; input makes it fast again.  Lines that changed are copied under
 * the device lock and uploaded to a texture afterwards.  Where no line
 * changed nothing is drawn.  While the window is hidden or minimised, the
 * thread sleeps without a limit.
 *
 * The picture has the aspect that the display gives it.  Integer scaling
 * takes the largest whole multiple of the height and repeats pixels; smooth
 * scaling fills the window.
 *
 * Keys go by scancode, so that the guest's layout decides.  Ctrl-Alt with a
 * letter is the window's, see `shortcuts`; with other keys it is the guest's.
 *
 * Lock keys that were pressed while another window had the keyboard are
 * pressed for the guest when this one gets it, if it has ever set the LEDs.
 * If the X or Wayland server goes away, the thread ends and the machine goes
 * on.
 *
 * Missing: hosts whose windows want the main thread; an absolute pointer
 * (there is no tablet); Xlib before 1.7, whose server goes away.
 */
#include <SDL.h>
#include <SDL_syswm.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/ps2.h"
#include "frontend/display/keys.h"
#include "frontend/display/screen.h"
#include "frontend/display/sdl_joystick.h"
#include "frontend/display/sdl_wayland.h"

/* Milliseconds. */
enum { FASTEST = 16, SLOWEST = 128, TITLE_PERIOD = 500, SETTLED = 100 };
#define GL_RENDERER_NAME 0x1f01 /* OpenGL's GL_RENDERER */
#define LEAST_HEIGHT 400        /* of a new window */

struct sdl {
    const struct screen_host *host;
    pthread_t thread;
    pthread_mutex_t lock; /* of `state` and `error` */
    pthread_cond_t change;
    enum { STARTING, RUNNING, FAILED } state;
    struct error error;
    atomic_bool stop, lost;
    atomic_ullong looked, drawn, uploaded; /* for info: frames; lines */
    Uint32 wake;                           /* event type */

    /* The thread's: */
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture;
    uint32_t *pixels; /* height lines of width */
    bool *changed;    /* height entries: not yet in the texture */
    int width, height, aspect_x, aspect_y;
    uint64_t seen; /* `update` of the last frame */
    bool news;     /* something is to be drawn */
    bool visible, grabbed, full_screen, smooth;
    bool sized;           /* the user gave the window its size */
    int asked_w, asked_h; /* the size that we gave it last */
    bool closing;         /* it was asked to close once */
    unsigned buttons;
    struct sdl_joysticks joysticks;
    Uint64 next, title_at; /* SDL_GetTicks64(): when to look, to retitle */
    /* 0, or when the window takes the size of the picture: a mode is set
     * register by register, and nobody wants to see each step. */
    Uint64 resize_at;
    unsigned period;
    struct screen_activity activity;
    unsigned mips;
    bool disk;
    char title[256];
};

/* -------------------------------------------------------------------- size */

/* What a picture of square pixels would have; neither side shrinks. */
static void natural_size(const struct sdl *s, int *w, int *h)
{
    *w = s->width;
    *h = s->height;
    if (s->aspect_x > s->aspect_y)
        *w = (s->width * s->aspect_x + s->aspect_y / 2) / s->aspect_y;
    else
        *h = (s->height * s->aspect_y + s->aspect_x / 2) / s->aspect_x;
}

/* The largest size of that form within w * h. */
static void fit(int *w, int *h, int most_w, int most_h)
{
    int width = *w, height = *h;

    if ((int64_t)most_w * height <= (int64_t)most_h * width) {
        *w = most_w;
        *h = (int)((int64_t)height * most_w / width);
    } else {
        *w = (int)((int64_t)width * most_h / height);
        *h = most_h;
    }
    *w = *w > 0 ? *w : 1;
    *h = *h > 0 ? *h : 1;
}

static SDL_Rect picture_place(struct sdl *s)
{
    int w, h, out_w = 1, out_h = 1;

    SDL_GetRendererOutputSize(s->renderer, &out_w, &out_h);
    natural_size(s, &w, &h);
    if (!s->smooth && w <= out_w && h <= out_h) {
        int n = out_w / w < out_h / h ? out_w / w : out_h / h;

        w *= n;
        h *= n;
    } else {
        fit(&w, &h, out_w, out_h);
    }
    return (SDL_Rect){(out_w - w) / 2, (out_h - h) / 2, w, h};
}

static void default_size(struct sdl *s)
{
    SDL_Rect most = {0, 0, INT_MAX, INT_MAX};
    int w, h, n = 1;

    natural_size(s, &w, &h);
    while (h * n < LEAST_HEIGHT)
        n++;
    w *= n;
    h *= n;
    if (!SDL_GetDisplayUsableBounds(SDL_GetWindowDisplayIndex(s->window),
                                    &most) &&
        (w > most.w || h > most.h))
        fit(&w, &h, most.w, most.h);
    s->asked_w = w;
    s->asked_h = h;
    SDL_SetWindowSize(s->window, w, h);
    s->resize_at = 0;
    s->sized = false;
}

/* ----------------------------------------------------------------- picture */

static bool resize(struct sdl *s, int width, int height)
{
    uint32_t *pixels = calloc((size_t)width * height, sizeof(*pixels));
    bool *changed = calloc((size_t)height, sizeof(*changed));

    if (!pixels || !changed) {
        free(pixels);
        free(changed);
        return false;
    }
    free(s->pixels);
    free(s->changed);
    s->pixels = pixels;
    s->changed = changed;
    s->width = width;
    s->height = height;
    if (s->texture)
        SDL_DestroyTexture(s->texture);
    s->texture = NULL;
    return true;
}

/* Copy what is new; under the device lock. */
static void take_frame(void *arg, const struct display_frame *f)
{
    struct sdl *s = arg;
    int width = (int)f->width, height = (int)f->height;
    bool other = !s->pixels || width != s->width || height != s->height;

    if (f->update == s->seen)
        return;
    if (other && !resize(s, width, height))
        return;
    s->aspect_x = (int)f->aspect_x;
    s->aspect_y = (int)f->aspect_y;
    for (int y = 0; y < height; y++) {
        if (!other && f->changed[y] <= s->seen)
            continue;
        memcpy(s->pixels + (size_t)y * width, f->pixels + (size_t)y * width,
               (size_t)width * sizeof(*f->pixels));
        s->changed[y] = true;
        s->news = true;
    }
    s->seen = f->update;
}

static bool make_texture(struct sdl *s)
{
    SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY,
                s->smooth ? "linear" : "nearest");
    s->texture =
        SDL_CreateTexture(s->renderer, SDL_PIXELFORMAT_RGB888,
                          SDL_TEXTUREACCESS_STREAMING, s->width, s->height);
    memset(s->changed, true, (size_t)s->height * sizeof(*s->changed));
    return s->texture != NULL;
}

/* Runs of changed lines, each in one go. */
static void upload(struct sdl *s)
{
    int pitch = s->width * (int)sizeof(*s->pixels), to;

    for (int y = 0; y < s->height; y = to) {
        SDL_Rect lines = {0, y, s->width, 0};

        for (to = y; to < s->height && s->changed[to]; to++)
            s->changed[to] = false;
        lines.h = to - y;
        if (lines.h)
            SDL_UpdateTexture(s->texture, &lines,
                              s->pixels + (size_t)y * s->width, pitch);
        else
            to++;
        s->uploaded += (unsigned)lines.h;
    }
}

static void draw(struct sdl *s)
{
    SDL_Rect place;

    s->news = false;
    if (!s->pixels || (!s->texture && !make_texture(s)))
        return;
    upload(s);
    place = picture_place(s);
    SDL_SetRenderDrawColor(s->renderer, 0, 0, 0, 255);
    SDL_RenderClear(s->renderer);
    SDL_RenderCopy(s->renderer, s->texture, NULL, &place);
    SDL_RenderPresent(s->renderer);
    s->drawn++;
}

/* ------------------------------------------------------------------- title */

static void set_title(struct sdl *s)
{
    const char *name = s->host->name;
    char speed[48] = "", title[sizeof(s->title)];

    if (s->mips)
        snprintf(speed, sizeof(speed), " - %u MIPS", s->mips);
    snprintf(title, sizeof(title), "emu%s%s%s%s - %s%s", name ? " " : "",
             name ? name : "", speed, s->disk ? " - disk" : "",
             s->grabbed ? "Ctrl-Alt-G lets mouse and keyboard go"
                        : "Ctrl-Alt-G takes mouse and keyboard, F full "
                          "screen, U size, I scaling",
             s->closing ? " - the guest was asked to power off, close again "
                          "to end it"
                        : "");
    if (!strcmp(title, s->title))
        return;
    strcpy(s->title, title);
    SDL_SetWindowTitle(s->window, title);
}

/* Speed and disk, since the last time. */
static void retitle(struct sdl *s, Uint64 now)
{
    Uint64 since = now - s->title_at;
    struct screen_activity old = s->activity;

    if (since < TITLE_PERIOD)
        return;
    s->host->activity(s->host->owner, &s->activity);
    s->title_at = now;
    s->mips = (unsigned)((s->activity.instructions - old.instructions) / since /
                         1000);
    s->disk = s->activity.disk != old.disk;
    set_title(s);
}

/* ------------------------------------------------------------------- input */

static void grab(struct sdl *s, bool on)
{
    if (s->grabbed == on)
        return;
    s->grabbed = on;
    SDL_SetWindowKeyboardGrab(s->window, on);
    SDL_SetWindowMouseGrab(s->window, on);
    SDL_SetRelativeMouseMode(on);
    if (!on && s->buttons) {
        s->buttons = 0;
        s->host->mouse(s->host->owner, 0, 0, 0, 0);
    }
    set_title(s);
}

static void toggle_grab(struct sdl *s)
{
    grab(s, !s->grabbed);
}

static void toggle_full_screen(struct sdl *s)
{
    s->full_screen = !s->full_screen;
    SDL_SetWindowFullscreen(s->window,
                            s->full_screen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
}

static void toggle_scaling(struct sdl *s)
{
    s->smooth = !s->smooth;
    if (s->texture)
        SDL_DestroyTexture(s->texture);
    s->texture = NULL;
    s->news = true;
}

static const struct {
    SDL_Scancode scancode;
    char letter;
    void (*run)(struct sdl *s);
} shortcuts[] = {
    {SDL_SCANCODE_F, 'f', toggle_full_screen},
    {SDL_SCANCODE_G, 'g', toggle_grab},
    {SDL_SCANCODE_I, 'i', toggle_scaling},
    {SDL_SCANCODE_U, 'u', default_size},
};

/* By the letter on the key where there is a Latin one.  Right Alt is AltGr on
 * many layouts and does not count. */
static bool shortcut(struct sdl *s, const SDL_Keysym *key)
{
    bool latin = key->sym >= 'a' && key->sym <= 'z';

    if (!(key->mod & KMOD_CTRL) || !(key->mod & KMOD_LALT))
        return false;
    for (size_t i = 0; i < SDL_arraysize(shortcuts); i++) {
        if (latin ? key->sym != shortcuts[i].letter
                  : key->scancode != shortcuts[i].scancode)
            continue;
        s->host->release(s->host->owner);
        shortcuts[i].run(s);
        return true;
    }
    return false;
}

static void on_key(struct sdl *s, const SDL_KeyboardEvent *e)
{
    bool down = e->state == SDL_PRESSED;
    const struct key *key = key_scancode(e->keysym.scancode);

    /* The guest's keyboard repeats by itself. */
    if (e->repeat || (down && shortcut(s, &e->keysym)) || !key)
        return;
    s->host->key(s->host->owner, key->number, down);
}

static void on_button(struct sdl *s, const SDL_MouseButtonEvent *e)
{
    static const uint8_t bits[] = {
        [SDL_BUTTON_LEFT] = PS2_LEFT,   [SDL_BUTTON_MIDDLE] = PS2_MIDDLE,
        [SDL_BUTTON_RIGHT] = PS2_RIGHT, [SDL_BUTTON_X1] = PS2_SIDE,
        [SDL_BUTTON_X2] = PS2_EXTRA,
    };
    bool down = e->state == SDL_PRESSED;

    if (!s->grabbed) { /* a click takes the mouse and nothing else */
        if (down && e->button == SDL_BUTTON_LEFT)
            grab(s, true);
        return;
    }
    if (e->button >= sizeof(bits))
        return;
    s->buttons &= ~(unsigned)bits[e->button];
    /* A release alone is the click's that took the mouse. */
    s->buttons |= down ? bits[e->button] : 0;
    s->host->mouse(s->host->owner, 0, 0, 0, s->buttons);
}

static void on_wheel(struct sdl *s, const SDL_MouseWheelEvent *e)
{
    int y = e->direction == SDL_MOUSEWHEEL_FLIPPED ? -e->y : e->y;

    if (s->grabbed && y)
        s->host->mouse(s->host->owner, 0, 0, -y, s->buttons);
}

/* ------------------------------------------------------------------ events */

static void set_visible(struct sdl *s, bool visible)
{
    s->visible = visible;
    s->news = s->news || visible;
    if (visible)
        s->next = 0;
}

/* Caps Lock and Num Lock may have been pressed elsewhere meanwhile. */
static void sync_locks(struct sdl *s)
{
    static const struct {
        SDL_Keymod mod;
        unsigned led, key;
    } locks[] = {{KMOD_NUM, 2, 69}, {KMOD_CAPS, 4, 58}};
    const struct screen_host *h = s->host;
    SDL_Keymod mod = SDL_GetModState();
    unsigned leds;

    if (!h->leds(h->owner, &leds))
        return;
    for (size_t i = 0; i < SDL_arraysize(locks); i++) {
        if (!(mod & locks[i].mod) == !(leds & locks[i].led))
            continue;
        h->key(h->owner, locks[i].key, true);
        h->key(h->owner, locks[i].key, false);
    }
}

static void on_window(struct sdl *s, const SDL_WindowEvent *e)
{
    switch (e->event) {
    case SDL_WINDOWEVENT_HIDDEN:
    case SDL_WINDOWEVENT_MINIMIZED:
        set_visible(s, false);
        break;
    case SDL_WINDOWEVENT_SHOWN:
    case SDL_WINDOWEVENT_RESTORED:
    case SDL_WINDOWEVENT_MAXIMIZED:
    case SDL_WINDOWEVENT_EXPOSED:
        set_visible(s, true);
        break;
    case SDL_WINDOWEVENT_RESIZED:
        /* What we asked for may come late. */
        s->sized = e->data1 != s->asked_w || e->data2 != s->asked_h;
        s->news = true;
        break;
    case SDL_WINDOWEVENT_FOCUS_GAINED:
        sync_locks(s);
        break;
    case SDL_WINDOWEVENT_SIZE_CHANGED:
        s->news = true;
        break;
    case SDL_WINDOWEVENT_FOCUS_LOST:
        grab(s, false);
        s->host->release(s->host->owner);
        break;
    case SDL_WINDOWEVENT_CLOSE:
        s->closing = true;
        s->host->close(s->host->owner);
        set_title(s);
        break;
    }
}

/* The window system is gone.  Nothing of SDL may be called any more; what it
 * has is lost with the thread. */
static _Noreturn void lost(struct sdl *s)
{
    s->lost = true;
    s->host->release(s->host->owner);
    s->host->lost(s->host->owner);
    pthread_exit(NULL);
}

static void on_event(struct sdl *s, const SDL_Event *e)
{
    switch (e->type) {
    case SDL_WINDOWEVENT:
        on_window(s, &e->window);
        return;
    case SDL_QUIT: /* Wayland's end; signals and windows send none, see hints()
                    */
        lost(s);
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET:
        if (s->texture)
            SDL_DestroyTexture(s->texture);
        s->texture = NULL;
        s->news = true;
        return;
    case SDL_KEYDOWN:
    case SDL_KEYUP:
        on_key(s, &e->key);
        break;
    case SDL_MOUSEMOTION:
        if (!s->grabbed)
            return;
        s->host->mouse(s->host->owner, e->motion.xrel, e->motion.yrel, 0,
                       s->buttons);
        break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        on_button(s, &e->button);
        break;
    case SDL_MOUSEWHEEL:
        on_wheel(s, &e->wheel);
        break;
    default:
        if (!sdl_joysticks_event(&s->joysticks, e))
            return;
        s->host->joystick(s->host->owner, &s->joysticks.state);
    }
    /* Soon there will be something to see. */
    s->period = FASTEST;
    if (s->next > SDL_GetTicks64() + FASTEST)
        s->next = SDL_GetTicks64() + FASTEST;
}

static void look(struct sdl *s, Uint64 now)
{
    int width = s->width, height = s->height;

    s->host->show(s->host->owner, take_frame, s);
    s->looked++;
    if (width != s->width || height != s->height)
        s->resize_at = now + SETTLED;
    if (s->resize_at && now >= s->resize_at && !s->sized && !s->full_screen)
        default_size(s);
    retitle(s, now);
    s->period = s->news ? FASTEST : s->period * 2;
    if (s->period > SLOWEST)
        s->period = SLOWEST;
    s->next = now + s->period;
}

/* The next event, or none within the time until the screen is looked at. */
static bool next_event(struct sdl *s, SDL_Event *e)
{
    Uint64 now = SDL_GetTicks64();

    if (!s->visible)
        return SDL_WaitEvent(e);
    if (s->news || now >= s->next)
        return SDL_PollEvent(e);
    return SDL_WaitEventTimeout(e, (int)(s->next - now));
}

static void loop(struct sdl *s)
{
    while (!s->stop) {
        SDL_Event e;

        if (next_event(s, &e))
            do
                on_event(s, &e);
            while (!s->stop && SDL_PollEvent(&e));
        if (s->stop || !s->visible)
            continue;
        if (SDL_GetTicks64() >= s->next)
            look(s, SDL_GetTicks64());
        if (s->news)
            draw(s);
    }
}

/* -------------------------------------------------------------------- life */

/* SDL goes on without a screen by drivers that show nothing, which nobody
 * wants who did not ask for one by name. */
static bool shows_nothing(void)
{
    static const char *const drivers[] = {"offscreen", "dummy", "evdev"};
    const char *name = SDL_GetCurrentVideoDriver();

    for (size_t i = 0; name && i < SDL_arraysize(drivers); i++)
        if (!strcmp(name, drivers[i]))
            return !SDL_getenv("SDL_VIDEODRIVER");
    return false;
}

/* no_wayland: SDL shall not find it. */
static void hints(bool no_wayland)
{
    const char *wayland = SDL_getenv("WAYLAND_DISPLAY");

    /* Where there is no Wayland, a look for it is heard on stderr. */
    if (SDL_getenv("DISPLAY") && (no_wayland || !(wayland && *wayland)))
        SDL_SetHint(SDL_HINT_VIDEODRIVER, "x11");
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_QUIT_ON_LAST_WINDOW_CLOSE, "0");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    /* Alt-F4 and Alt-Tab are the guest's while it has the keyboard. */
    SDL_SetHint(SDL_HINT_WINDOWS_NO_CLOSE_ON_ALT_F4, "1");
    SDL_SetHint(SDL_HINT_ALLOW_ALT_TAB_WHILE_GRABBED, "0");
    SDL_SetHint(SDL_HINT_MOUSE_AUTO_CAPTURE, "0");
}

#ifdef SDL_VIDEO_DRIVER_X11
/* Xlib ends the process if this returns. */
static void lost_x(Display *display, void *arg)
{
    (void)display;
    lost(arg);
}

/* In place of Xlib's own, which ends the process. */
static int say_nothing(Display *display)
{
    (void)display;
    return 0;
}

static void outlive_x(struct sdl *s)
{
    void (*set_exit)(Display * display,
                     void (*fn)(Display * display, void *arg), void *arg);
    void *(*set)(int (*fn)(Display * display));
    void *xlib = SDL_LoadObject("libX11.so.6");
    SDL_SysWMinfo info;

    SDL_VERSION(&info.version);
    if (!xlib || !SDL_GetWindowWMInfo(s->window, &info) ||
        info.subsystem != SDL_SYSWM_X11)
        return;
    /* The first is of Xlib 1.7 and later; SDL holds the library. */
    *(void **)&set_exit = SDL_LoadFunction(xlib, "XSetIOErrorExitHandler");
    *(void **)&set = SDL_LoadFunction(xlib, "XSetIOErrorHandler");
    if (!set_exit || !set)
        return;
    set(say_nothing);
    set_exit(info.info.x11.display, lost_x, s);
}
#else
static void outlive_x(struct sdl *s)
{
    (void)s;
}
#endif

/* Is the host's OpenGL but a program? */
static bool is_soft_gl(void)
{
    static const char *const programs[] = {"llvmpipe", "softpipe", "swrast",
                                           "Software Rasterizer"};
    const char *(*get)(unsigned name);
    const char *name;

    *(void **)&get = SDL_GL_GetProcAddress("glGetString");
    name = get ? get(GL_RENDERER_NAME) : NULL;
    for (size_t i = 0; name && i < SDL_arraysize(programs); i++)
        if (strstr(name, programs[i]))
            return true;
    return false;
}

/*
 * One that waits for the beam, if it can; but not under Wayland, which shows
 * whole frames anyway: SDL 2.26 waits for ever for the beam of a server that
 * is gone.  Where a program does what a GPU
 * should, drawing by SDL itself is three times as fast; under X it takes the
 * picture to the server by shared memory, if it is told not to use OpenGL.
 */
static void make_renderer(struct sdl *s)
{
    const char *driver = SDL_GetCurrentVideoDriver();
    bool x11 = driver && !strcmp(driver, "x11");
    bool wayland = driver && !strcmp(driver, "wayland");
    SDL_RendererInfo info;

    if (x11)
        SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
    if (!wayland)
        s->renderer =
            SDL_CreateRenderer(s->window, -1, SDL_RENDERER_PRESENTVSYNC);
    if (!s->renderer) /* no beam to wait for */
        s->renderer = SDL_CreateRenderer(s->window, -1, 0);
    if (!x11 || !s->renderer || SDL_GetRendererInfo(s->renderer, &info) ||
        strncmp(info.name, "opengl", 6) || !is_soft_gl())
        return;
    SDL_DestroyRenderer(s->renderer);
    s->renderer = SDL_CreateRenderer(s->window, -1, SDL_RENDERER_SOFTWARE);
}

static bool start(struct sdl *s, struct error *e)
{
    Uint32 flags = SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI |
                   (s->full_screen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
    bool no_wayland = sdl_wayland_crashes();
    const char *driver;

    hints(no_wayland);
    driver = SDL_GetHint(SDL_HINT_VIDEODRIVER);
    if (no_wayland && (!driver || strstr(driver, "wayland")))
        return error_set(e, "SDL crashes where the Wayland compositor has no "
                            "seat; SDL 2.30 and later do not");
    if (SDL_Init(SDL_INIT_VIDEO))
        return error_set(e, "SDL finds no display: %s", SDL_GetError());
    if (shows_nothing())
        return error_set(e,
                         "SDL finds no display, but for one that nobody "
                         "sees (SDL_VIDEODRIVER=%s takes that)",
                         SDL_GetCurrentVideoDriver());
    s->wake = SDL_RegisterEvents(1);
    s->window = SDL_CreateWindow("emu", SDL_WINDOWPOS_UNDEFINED,
                                 SDL_WINDOWPOS_UNDEFINED, 720, 540, flags);
    if (!s->window)
        return error_set(e, "SDL opens no window: %s", SDL_GetError());
    make_renderer(s);
    if (!s->renderer)
        return error_set(e, "SDL draws nothing: %s", SDL_GetError());
    outlive_x(s);
    SDL_StopTextInput();
    if (s->host->joysticks && !sdl_joysticks_open(&s->joysticks))
        return error_set(e, "SDL has no joysticks: %s", SDL_GetError());
    s->visible = true;
    s->period = FASTEST;
    s->host->activity(s->host->owner, &s->activity);
    s->title_at = SDL_GetTicks64();
    set_title(s);
    return true;
}

static void tell(struct sdl *s, int state)
{
    pthread_mutex_lock(&s->lock);
    s->state = state;
    pthread_cond_broadcast(&s->change);
    pthread_mutex_unlock(&s->lock);
}

static void *run(void *arg)
{
    struct sdl *s = arg;
    bool good = start(s, &s->error);

    tell(s, good ? RUNNING : FAILED);
    if (good)
        loop(s);
    sdl_joysticks_close(&s->joysticks);
    if (s->texture)
        SDL_DestroyTexture(s->texture);
    if (s->renderer)
        SDL_DestroyRenderer(s->renderer);
    if (s->window)
        SDL_DestroyWindow(s->window);
    SDL_Quit();
    return NULL;
}

static void sdl_free(struct sdl *s)
{
    pthread_cond_destroy(&s->change);
    pthread_mutex_destroy(&s->lock);
    free(s->pixels);
    free(s->changed);
    free(s);
}

static bool sdl_open(void **out, const struct screen_host *host,
                     struct error *e)
{
    struct sdl *s = calloc(1, sizeof(*s));
    bool good;

    if (!s)
        return error_set(e, "out of memory");
    s->host = host;
    s->full_screen = host->full_screen;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->change, NULL);
    if (pthread_create(&s->thread, NULL, run, s)) {
        sdl_free(s);
        return error_set(e, "no thread for the window");
    }
    pthread_mutex_lock(&s->lock);
    while (s->state == STARTING)
        pthread_cond_wait(&s->change, &s->lock);
    good = s->state == RUNNING;
    pthread_mutex_unlock(&s->lock);
    if (good) {
        *out = s;
        return true;
    }
    pthread_join(s->thread, NULL);
    *e = s->error;
    sdl_free(s);
    return false;
}

static void sdl_close(void *screen)
{
    struct sdl *s = screen;
    SDL_Event e = {.type = s->wake};

    s->stop = true;
    if (!s->lost)
        SDL_PushEvent(&e);
    pthread_join(s->thread, NULL);
    sdl_free(s);
}

static void sdl_info(void *screen, char *out, size_t size)
{
    struct sdl *s = screen;

    snprintf(out, size,
             "sdl: looked %llu times, drew %llu frames, %llu lines "
             "anew\n",
             (unsigned long long)s->looked, (unsigned long long)s->drawn,
             (unsigned long long)s->uploaded);
}

const struct screen_class emu_screen = {
    .name = "sdl",
    .open = sdl_open,
    .close = sdl_close,
    .info = sdl_info,
};
