/*
 * The demo's moving pictures, each still after so many frames: the demo's
 * graphics.c, with a user who then types Escape.  The number in a name is that
 * of the frames.  In mode X the last one is panned by 3, 0, 1 and 2 dots.
 */
#include "tests/machine/screens/screens.h"

#define STATUS 0x3da
#define STATUS_RETRACE 8
#define ESCAPE 0x1b

/* As in the demo's demo.h, which has a text_card() of its own. */
unsigned key_typed(void);
unsigned key_wait(void);
void page_planes(void);
void page_256(void);
void page_x(void);

static unsigned frames_left;

unsigned key_typed(void)
{
    return frames_left-- ? 0 : ESCAPE;
}

unsigned key_wait(void)
{
    return ESCAPE;
}

void wait_retrace(void)
{
    while (inb(STATUS) & STATUS_RETRACE)
        ;
    while (!(inb(STATUS) & STATUS_RETRACE))
        ;
}

#define STILL(page, frames)                                                    \
    static void page##_##frames(void)                                          \
    {                                                                          \
        frames_left = frames;                                                  \
        page();                                                                \
    }

STILL(page_planes, 60)
STILL(page_planes, 400)
STILL(page_256, 1)
STILL(page_256, 100)
STILL(page_x, 8)
STILL(page_x, 32)
STILL(page_x, 40)
STILL(page_x, 52)

static const struct screen demo_screens[] = {
    {"demo-planes-60", page_planes_60, (void *)0},
    {"demo-planes-400", page_planes_400, (void *)0},
    {"demo-256-1", page_256_1, (void *)0},
    {"demo-256-100", page_256_100, (void *)0},
    {"demo-x-8", page_x_8, (void *)0},
    {"demo-x-32", page_x_32, (void *)0},
    {"demo-x-40", page_x_40, (void *)0},
    {"demo-x-52", page_x_52, (void *)0},
    {(void *)0, (void *)0, (void *)0},
};

const struct screen *const lists[] = {demo_screens, (void *)0};
