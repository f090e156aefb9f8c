/*
 * A PC without a BIOS (board microvm): kernel, boot information, MP table and
 * reset code, all made here and put into memory.
 */
#ifndef MACHINE_LOAD_PC_DIRECT_H
#define MACHINE_LOAD_PC_DIRECT_H

#include "machine/load/pc_kernel.h"
#include "machine/tree_write.h"

/* A virtio device's registers and its input of the I/O APIC. */
struct pc_direct_slot {
    uint64_t address;
    uint32_t size, input;
};

#define PC_DIRECT_MAX_SLOTS 32
#define PC_DIRECT_MAX_RAM 8
#define PC_DIRECT_ACPI_AT 0xe0000u

struct pc_direct_config {
    struct pc_kernel_config kernel;
    const struct tree_ram *ram; /* the first piece begins at 0 */
    unsigned n_ram;
    unsigned n_cpus;        /* of APIC ids 0, 1, ... */
    uint32_t lapic, ioapic; /* addresses; ioapic 0: there is none */
    uint32_t ioapic_inputs;
    /* ACPI's tables for the address below, RSDP first; 0 bytes: none. */
    const uint8_t *acpi;
    uint32_t acpi_size;
    /* Told by the MP table and, without ACPI, on Linux's command line. */
    const struct pc_direct_slot *slot;
    unsigned n_slots;
};

enum pc_direct_part {
    PC_DIRECT_KERNEL,
    PC_DIRECT_INITRD,
    PC_DIRECT_LINE,
    PC_DIRECT_INFO,  /* boot parameters, or PVH's start information */
    PC_DIRECT_PAGES, /* page tables, of a 64-bit entry */
    PC_DIRECT_MP,    /* the table of the MultiProcessor Specification */
    PC_DIRECT_ACPI,  /* ACPI's tables */
    PC_DIRECT_RESET, /* into ROM, at the top of 4 GiB */
    PC_DIRECT_PARTS,
};

struct pc_direct {
    struct pc_item item[PC_DIRECT_PARTS]; /* bytes NULL: nothing */
};

/* Read and make everything; false: e, and nothing to close. */
bool pc_direct_open(struct pc_direct *d, const struct pc_direct_config *c,
                    struct error *e);
void pc_direct_close(struct pc_direct *d);

#endif
