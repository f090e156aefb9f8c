/* Numbers that C and assembly share: the trap frame and a few CSR bits. */
#ifndef DEMO_LAYOUT_H
#define DEMO_LAYOUT_H

/* What trap_entry saves, as offsets into struct trap_frame. */
#define FRAME_REG(n) (8 * (n)) /* x0 is never stored */
#define FRAME_EPC 256
#define FRAME_CAUSE 264
#define FRAME_TVAL 272
#define FRAME_STATUS 280
#define FRAME_SIZE 288

/* Privileged ISA 3.1.6, mstatus. */
#define MSTATUS_MIE (1 << 3)
#define MSTATUS_MPIE (1 << 7)
#define MSTATUS_MPP (3 << 11)
#define MSTATUS_FS (3 << 13)
#define MSTATUS_MPRV (1 << 17)
#define MSTATUS_SUM (1 << 18)
#define MSTATUS_MXR (1 << 19)
#define MSTATUS_TVM (1 << 20)
#define MSTATUS_TW (1 << 21)
#define MSTATUS_TSR (1 << 22)

/* Privileged ISA 3.1.9, mie and mip. */
#define MIE_SSIE (1 << 1)
#define MIE_MSIE (1 << 3)
#define MIE_STIE (1 << 5)
#define MIE_MTIE (1 << 7)
#define MIE_MEIE (1 << 11)

#endif
