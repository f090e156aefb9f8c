/*
 * One run: backends opened, a machine made, the main loop, and the end.
 */
#ifndef FRONTEND_SESSION_H
#define FRONTEND_SESSION_H

#include "frontend/cli/config.h"

/*
 * Run what config asks for, from opening files to putting the terminal back.
 * Prints what there is to say on stderr; returns the exit status.
 */
int session_run(struct config *config);

#endif
