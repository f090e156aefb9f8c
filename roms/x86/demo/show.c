/*
 * The PC's demo shows the machine: processor, memory, drives, PCI functions,
 * as the BIOS, the ports and the processor tell.
 *
 * ATA/ATAPI-6, 8.15 and 8.16 (IDENTIFY DEVICE, IDENTIFY PACKET DEVICE); PCI
 * Local Bus Specification 3.0, 3.2.2.3.2 (configuration mechanism 1); ACPI 6.3,
 * 15 (INT 15h, E820h).
 */
#include "demo.h"

/* For what the BIOS writes; below the stack that it is called with. */
#define SCRATCH 0x7000

#define LEFT 2
#define VALUE 14

static unsigned row;

static void name(const char *s)
{
    text_at(LEFT, row, NAME);
    text("%s", s);
    text_at(VALUE, row++, PLAIN);
}

/* ------------------------------------------------------------ processor */

static unsigned flags_flip(unsigned bit)
{
    unsigned before, after;

    __asm__ volatile("pushfl; popl %0; movl %0, %1; xorl %2, %1; pushl %1;"
                     "popfl; pushfl; popl %1; pushl %0; popfl"
                     : "=&r"(before), "=&r"(after)
                     : "ri"(bit)
                     : "cc");
    return (before ^ after) & bit;
}

static void cpuid(unsigned leaf, unsigned *r)
{
    __asm__ volatile("cpuid"
                     : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                     : "a"(leaf), "c"(0));
}

static void show_features(const unsigned *r)
{
    static const struct {
        uint8_t word, bit;
        const char *name;
    } list[] = {{3, 0, "FPU"},     {3, 4, "TSC"},   {3, 9, "APIC"},
                {3, 23, "MMX"},    {3, 25, "SSE"},  {3, 26, "SSE2"},
                {2, 0, "SSE3"},    {2, 9, "SSSE3"}, {2, 19, "SSE4.1"},
                {2, 20, "SSE4.2"}, {2, 25, "AES"}};

    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        if (r[list[i].word] >> list[i].bit & 1)
            text("%s ", list[i].name);
}

static void show_processor(void)
{
    unsigned r[4], brand[13] = {0};
    char vendor[13] = "";
    const char *s = (const char *)brand;

    name("Processor");
    if (!flags_flip(1 << 21)) {
        text("%s, without CPUID", flags_flip(1 << 18) ? "486" : "386");
        return;
    }
    cpuid(0, r);
    memcpy(vendor, &r[1], 4);
    memcpy(vendor + 4, &r[3], 4);
    memcpy(vendor + 8, &r[2], 4);
    cpuid(0x80000000, r);
    for (unsigned i = 0; i < 3 && r[0] >= 0x80000004; i++)
        cpuid(0x80000002 + i, &brand[4 * i]);
    while (*s == ' ')
        s++;
    cpuid(1, r);
    text("%s, family %u, model %u%s%s", vendor, r[0] >> 8 & 15,
         (r[0] >> 4 & 15) | (r[0] >> 12 & 0xf0), *s ? ": " : "", s);
    text_at(VALUE, row++, DIM);
    show_features(r);
}

/* --------------------------------------------------------------- memory */

struct e820 {
    uint32_t start, start_high, size, size_high, type;
};

static unsigned extended_kib(void)
{
    struct bios_regs r = {.eax = 0xe801};

    bios_call(0x15, &r);
    return r.flags & BIOS_CARRY ? 0 : (r.eax & 0xffff) + (r.ebx & 0xffff) * 64;
}

static void show_memory(void)
{
    volatile struct e820 *e = (volatile struct e820 *)SCRATCH;
    struct bios_regs r = {.ebx = 0};
    unsigned mib = 0, areas = 0;

    name("Memory");
    do {
        r.eax = 0xe820;
        r.edx = 0x534d4150;
        r.ecx = sizeof(*e);
        r.edi = SCRATCH;
        r.es = 0;
        bios_call(0x15, &r);
        if ((r.flags & BIOS_CARRY) || r.eax != 0x534d4150)
            break;
        areas++;
        if (e->type == 1)
            mib += (e->size + 0x80000) >> 20 | e->size_high << 12;
    } while (r.ebx && areas < 64);
    text("%u KiB conventional, ", bios_data(0x13) | bios_data(0x14) << 8);
    if (areas)
        text("%u MiB in all, a map of %u areas", mib, areas);
    else
        text("%u KiB behind the first MiB", extended_kib());
}

/* --------------------------------------------------------------- drives */

#define STATUS 7
#define BUSY 0x80
#define DATA_REQUEST 0x08

/* In ten seconds at most: bit 4 of port 61h turns with each refresh of memory,
 * every 15 us. */
static _Bool drive_ready(unsigned port)
{
    unsigned turns = 0, last = inb(0x61) & 0x10;

    while (turns < 660000) {
        unsigned now = inb(0x61) & 0x10;

        if (!(inb(port + STATUS) & BUSY))
            return 1;
        turns += now != last;
        last = now;
    }
    return 0;
}

static _Bool identify(unsigned port, unsigned command, uint16_t *words)
{
    outb(port + STATUS, command);
    if (!inb(port + STATUS) || !drive_ready(port) ||
        (inb(port + STATUS) & (DATA_REQUEST | 1)) != DATA_REQUEST)
        return 0;
    for (unsigned i = 0; i < 256; i++)
        words[i] = (uint16_t)inw(port);
    return 1;
}

/* Words 27 to 46 have two characters each, the first one high. */
static void show_model(const uint16_t *words)
{
    char model[41];
    unsigned n = 40;

    for (unsigned i = 0; i < 40; i++)
        model[i] = (char)(words[27 + i / 2] >> (i & 1 ? 0 : 8));
    while (n && model[n - 1] == SPACE)
        n--;
    model[n] = 0;
    text("%s", model);
}

static void show_size(unsigned sectors)
{
    if (sectors < 4096)
        text("%u KiB", sectors / 2);
    else if (sectors < 0x2000000)
        text("%u.%u MiB", sectors / 2048, sectors % 2048 * 10 / 2048);
    else
        text("%u.%u GiB", sectors / 0x200000,
             sectors % 0x200000 / 2048 * 10 / 1024);
}

static unsigned show_ide(void)
{
    static const char *const places[4] = {"first, master", "first, slave",
                                          "second, master", "second, slave"};
    uint16_t words[256];
    unsigned found = 0;

    for (unsigned i = 0; i < 4; i++) {
        unsigned port = i < 2 ? 0x1f0 : 0x170;
        _Bool disk;

        outb(port + 6, 0xa0 | (i & 1) << 4);
        if (inb(port + STATUS) == 0xff || !drive_ready(port))
            continue;
        disk = identify(port, 0xec, words);
        if (!disk && !identify(port, 0xa1, words))
            continue;
        found++;
        name(disk ? "IDE disk" : "IDE CD");
        show_model(words);
        text(", ");
        if (disk) {
            show_size(words[60] | (unsigned)words[61] << 16);
            text(", ");
        }
        text_colour(DIM);
        text("%s", places[i]);
    }
    return found;
}

static unsigned show_floppies(void)
{
    static const char *const types[] = {"360 KB",  "1.2 MB",  "720 KB",
                                        "1.44 MB", "2.88 MB", "2.88 MB"};
    unsigned found = 0;

    for (unsigned i = 0; i < 2; i++) {
        unsigned type = cmos(0x10) >> (i ? 0 : 4) & 15;
        struct bios_regs reset = {.edx = i};
        struct bios_regs r = {
            .eax = 0x0201, .ebx = SCRATCH, .ecx = 1, .edx = i};

        if (type == 0 || type > 6)
            continue;
        found++;
        name(i ? "Floppy B:" : "Floppy A:");
        bios_call(0x13, &r);
        if (r.flags & BIOS_CARRY) { /* the first try may tell of a change */
            bios_call(0x13, &reset);
            r = (struct bios_regs){
                .eax = 0x0201, .ebx = SCRATCH, .ecx = 1, .edx = i};
            bios_call(0x13, &r);
        }
        text("drive for %s, %s", types[type - 1],
             r.flags & BIOS_CARRY ? "no disk that can be read" : "a disk");
    }
    return found;
}

/* As the BIOS numbers them: IDE, virtio, all. */
static void show_bios_disks(void)
{
    unsigned n = bios_data(0x75);

    for (unsigned i = 0; i < n && i < 4; i++) {
        volatile uint32_t *p = (volatile uint32_t *)SCRATCH;
        struct bios_regs r = {
            .eax = 0x4800, .edx = 0x80 + i, .esi = SCRATCH, .ds = 0};

        p[0] = 26;
        bios_call(0x13, &r);
        name("BIOS disk");
        text("%x: ", 0x80 + i);
        if (r.flags & BIOS_CARRY) {
            text("no answer");
            continue;
        }
        show_size(p[5] ? 0xffffffff : p[4]);
        r = (struct bios_regs){.eax = 0x0800, .edx = 0x80 + i};
        bios_call(0x13, &r);
        text_colour(DIM);
        text(", %u cylinders, %u heads, %u sectors",
             ((r.ecx >> 8 & 0xff) | (r.ecx << 2 & 0x300)) + 1,
             (r.edx >> 8 & 0xff) + 1, r.ecx & 63);
    }
}

/* ------------------------------------------------------------------ PCI */

static unsigned pci(unsigned slot, unsigned function, unsigned at)
{
    unsigned v;

    __asm__ volatile("outl %0, %w1"
                     :
                     : "a"(0x80000000 | slot << 11 | function << 8 | at),
                       "d"(0xcf8));
    __asm__ volatile("inl %w1, %0" : "=a"(v) : "d"(0xcfc));
    return v;
}

static const char *class_name(unsigned class)
{
    static const struct {
        uint16_t class;
        const char *name;
    } list[] = {{0x0101, "IDE"},          {0x0600, "host bridge"},
                {0x0601, "ISA bridge"},   {0x0680, "power management"},
                {0x0300, "VGA"},          {0x0200, "network"},
                {0x0100, "SCSI"},         {0x0c03, "USB"},
                {0x0780, "communication"}};

    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        if (list[i].class == class)
            return list[i].name;
    return "other";
}

static void show_pci(void)
{
    unsigned shown = 0;

    if (pci(0, 0, 0) == 0xffffffff)
        return;
    name("PCI");
    for (unsigned i = 0; i < 256; i++) {
        unsigned slot = i >> 3, f = i & 7, id = pci(slot, f, 0);

        if (f && !(pci(slot, 0, 0xc) & 0x800000))
            continue;
        if ((id & 0xffff) == 0xffff)
            continue;
        if (shown == 9)
            break;
        if (shown && shown % 3 == 0)
            row++;
        text_at(VALUE + shown % 3 * 22, row - 1, PLAIN);
        text("%x.%u ", slot, f);
        text_colour(DIM);
        text("%s", class_name(pci(slot, f, 8) >> 16));
        shown++;
    }
}

/* ---------------------------------------------------------------- others */

static void show_display(void)
{
    static const char *const cards[] = {[CARD_NONE] = "none",
                                        [CARD_BIOS] = "VGA",
                                        [CARD_CGA] = "CGA",
                                        [CARD_MDA] = "monochrome or Hercules"};

    name("Display");
    text("%s", cards[text_card()]);
}

void show_machine(void)
{
    row = 2;
    show_processor();
    show_memory();
    show_display();
    if (!(show_floppies() + show_ide())) {
        name("Drives");
        text("none");
    }
    show_bios_disks();
    show_pci();
}
