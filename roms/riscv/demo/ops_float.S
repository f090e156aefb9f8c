/*
 * One function for each floating-point instruction under test.
 *
 * struct fp_result fp_NAME(uint64_t a, uint64_t b, uint64_t c, uint64_t mode)
 *
 * takes and returns registers' bits: the integer calling convention, since the
 * demo is compiled for machines without floating point.  `mode` goes to frm;
 * the flags that the instruction raises come back in a1.
 */
        .option norelax
        .option norvc

.macro prologue
        csrw    fcsr, zero
        fsrm    a3
.endm

/* Return what is in fa0, a single without its sign spread over 64 bits. */
.macro return_float precision
        .ifc \precision, s
        fmv.x.w a0, fa0
        slli    a0, a0, 32
        srli    a0, a0, 32
        .else
        fmv.x.d a0, fa0
        .endif
        frflags a1
        ret
.endm

/* fp NAME, PRECISION, LOAD, INSTRUCTION: the result in fa0 */
.macro fp name, precision, load, insn:vararg
        .globl  fp_\name
fp_\name:
        prologue
        \load   fa0, a0
        \load   fa1, a1
        \load   fa2, a2
        \insn
        return_float \precision
.endm

/* to_int NAME, LOAD, INSTRUCTION: the result in a0 */
.macro to_int name, load, insn:vararg
        .globl  fp_\name
fp_\name:
        prologue
        \load   fa0, a0
        \load   fa1, a1
        \insn
        frflags a1
        ret
.endm

/* from_int NAME, PRECISION, INSTRUCTION: from a0, the result in fa0 */
.macro from_int name, precision, insn:vararg
        .globl  fp_\name
fp_\name:
        prologue
        \insn
        return_float \precision
.endm

/* The same for instructions that exist in either precision, p. */
.macro unary name, p, load
        fp      \name\()_\p, \p, \load, \name\().\p fa0, fa0
.endm
.macro binary name, p, load
        fp      \name\()_\p, \p, \load, \name\().\p fa0, fa0, fa1
.endm
.macro ternary name, p, load
        fp      \name\()_\p, \p, \load, \name\().\p fa0, fa0, fa1, fa2
.endm
.macro compare name, p, load
        to_int  \name\()_\p, \load, \name\().\p a0, fa0, fa1
.endm
.macro convert int, p, load
        to_int  fcvt_\int\()_\p, \load, fcvt.\int\().\p a0, fa0, dyn
        from_int fcvt_\p\()_\int, \p, fcvt.\p\().\int fa0, a0
.endm

/* All that exists in single (s, fmv.w.x) and double precision (d, fmv.d.x) */
.macro both p, load
        .irp    name, fadd, fsub, fmul, fdiv, fmin, fmax, fsgnj, fsgnjn, fsgnjx
        binary  \name, \p, \load
        .endr
        .irp    name, fmadd, fmsub, fnmadd, fnmsub
        ternary \name, \p, \load
        .endr
        .irp    name, feq, flt, fle
        compare \name, \p, \load
        .endr
        .irp    int, w, wu, l, lu
        convert \int, \p, \load
        .endr
        unary   fsqrt, \p, \load
        fp      fadd_rtz_\p, \p, \load, fadd.\p fa0, fa0, fa1, rtz
        to_int  fclass_\p, \load, fclass.\p a0, fa0
.endm

        .text
        .option push
        .option arch, +f
        both    s, fmv.w.x
        .option pop

        .option push
        .option arch, +d
        both    d, fmv.d.x
        fp      fcvt_s_d, s, fmv.d.x, fcvt.s.d fa0, fa0
        fp      fcvt_d_s, d, fmv.w.x, fcvt.d.s fa0, fa0
        /* Single precision on registers that may not hold boxed singles. */
        fp      fadd_s_raw, d, fmv.d.x, fadd.s fa0, fa0, fa1

        .globl  fp_store_load           # bits through flw and fsd, at a0
fp_store_load:
        flw     fa0, 0(a0)
        fsd     fa0, 0(a0)
        fld     fa1, 0(a0)
        fmv.x.d a0, fa1
        li      a1, 0
        ret
        .option pop
