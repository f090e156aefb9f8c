/* SiFive's CLINT.  What machines connect of it is its timer (mtimer.h). */
#ifndef DEVICES_CLINT_H
#define DEVICES_CLINT_H

#include "devices/mtimer.h"

/* Harts that one CLINT can serve. */
#define CLINT_MAX_HARTS MTIMER_MAX_HARTS

extern const struct device_class clint_class;

struct mtimer *clint_timer(struct device *clint);

#endif
