/*
 * Parts of the emulator that are loaded when they are used, for what their
 * libraries cost.
 */
#ifndef FRONTEND_HOST_MODULE_H
#define FRONTEND_HOST_MODULE_H

#include "base/error.h"

/*
 * Load emu-NAME.so, from beside the program or from where it was installed,
 * and find a symbol in it.  It stays loaded.  NULL: e.
 */
void *module_load(const char *name, const char *symbol, struct error *e);

#endif
