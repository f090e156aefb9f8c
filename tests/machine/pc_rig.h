/* What the tests of PCs share: ports, memory, interrupts, firmware's files. */
#ifndef TESTS_MACHINE_PC_RIG_H
#define TESTS_MACHINE_PC_RIG_H

#include "base/wire.h"
#include "devices/fw_cfg.h"
#include "rig.h"

/* Functions of PCI, as devfn of pc_config_read(). */
#define PIIX3 (1 << 3)
#define PM (1 << 3 | 3)
/* What port CF8 takes for a register of one. */
#define CONFIG(devfn, reg) (0x80000000u | (devfn) << 8 | (reg))

/* Inputs of a processor, as bits of pc_lines(). */
#define INTR 1
#define NMI 2

/* r->config for the board `pc`, with a BIOS whose byte n is n / 256: each
 * page differs from the next. */
void pc_config(struct rig *r, unsigned cpus);
/* The same, and the machine. */
void pc_make(struct rig *r, unsigned cpus);

/* Accesses of 1, 2, 4 (memory: 8) bytes; one that the bus refuses fails the
 * test. */
uint64_t pc_in(struct rig *r, uint64_t port, unsigned size);
void pc_out(struct rig *r, uint64_t port, unsigned size, uint64_t v);
uint64_t pc_load(struct rig *r, uint64_t at, unsigned size);
void pc_store(struct rig *r, uint64_t at, unsigned size, uint64_t v);
/* Configuration space by ports CF8 and CFC. */
uint32_t pc_config_read(struct rig *r, unsigned devfn, unsigned reg,
                        unsigned size);
void pc_config_write(struct rig *r, unsigned devfn, unsigned reg, unsigned size,
                     uint32_t v);

/* The machine's first device of the class, which it must have. */
struct device *pc_device(struct rig *r, const char *cls);

/* The machine's device lock. */
void pc_lock(struct rig *r);
void pc_unlock(struct rig *r);
/* Set a wire with that lock; wire n of a device, as its driver sets it. */
void pc_set_wire(struct rig *r, const struct wire *w, bool on);
void pc_raise(struct rig *r, struct device *dev, unsigned n, bool on);
/* The inputs of a stub CPU that are high. */
unsigned pc_lines(struct rig *r, unsigned cpu);
/* The vector that a processor gets when it takes INTR, -1: none. */
int pc_acknowledge(struct rig *r, unsigned cpu);
/* Both 8259s: vectors from 8 and 70h on, nothing masked. */
void pc_init_pics(struct rig *r);

/* A file of fw_cfg's, which must be there. */
const struct fw_cfg_item *pc_file(struct rig *r, const char *name);

/* A program of nothing with a PVH entry: one segment at 2 MiB, of which the
 * file has so many bytes, the note among them if there are so many. */
const char *pc_pvh_file(struct rig *r, uint32_t file_size, uint32_t mem_size);

#endif
