/* The ACLINT's devices.  What machines connect is mtimer.h's. */
#ifndef DEVICES_ACLINT_H
#define DEVICES_ACLINT_H

#include "devices/mtimer.h"

extern const struct device_class aclint_mtimer_class;
extern const struct device_class aclint_mswi_class, aclint_sswi_class;

struct mtimer *aclint_timer(struct device *mtimer);

#endif
