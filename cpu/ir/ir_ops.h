/*
 * The operations of the IR, once: enum, printer, verifier and evaluator are
 * made from these lists.
 *
 * IR_OPS: X(NAME, text, operands, types, effects)
 *
 * `operands` has one character for each of a, b, c, d, in order:
 *   s  a value of the node's own type
 *   m  a value of any type, the same for all m of the node
 *   n  a value narrower than the node's type
 *   w  a value wider than the node's type
 *   h  a value of half the node's width
 *   d  a value of twice the node's width
 *   1  IR_I1
 *   6  IR_I64
 *   p  an address: IR_I32 or IR_I64
 *   l  a lane: IR_I8 to IR_I64
 *   ?  any value, or IR_NONE
 *   *  as the operation's own rules say (calls, floating point)
 * `types` is what the node's type may be:
 *   v  IR_VOID only           1  IR_I1 only
 *   i  IR_I1 to IR_I64        b  IR_I8 to IR_I64
 *   x  IR_I1 to IR_V128       y  IR_I8 to IR_V128
 *   t  IR_I16 to IR_I64       q  IR_I32 and IR_I64
 *   c  IR_I16 to IR_V128      V  IR_V128 only
 *   *  as the operation's own rules say
 * `effects`: or-ed enum ir_effect.  An operation of a type other than
 * IR_VOID gives a value unless it has IR_TYPED_EFFECT: then the type is that
 * of what it writes.
 */
#ifndef CPU_IR_IR_OPS_H
#define CPU_IR_IR_OPS_H

#define IR_OPS(X)                                                            \
    X(NOP, "nop", "", "v", 0)                                                \
    /* where a guest instruction begins: imm = offset, length << 32 */       \
    X(INSN, "insn", "", "v", IR_MARKS)                                       \
    /* values; imm = the value, the offset of pc, of the slot */             \
    X(CONST, "const", "", "i", 0)                                            \
    X(PC, "pc", "", "q", 0)                                                  \
    X(GET, "get", "", "x", IR_READS)                                         \
    X(PUT, "put", "s", "x", IR_COMMITS | IR_TYPED_EFFECT)                    \
    /* of a file of registers, whose number is a value, taken modulo their   \
     * count, a power of two; imm = offset of the first, count << 32 */      \
    X(GET_AT, "get.at", "l", "b", IR_READS)                                  \
    X(PUT_AT, "put.at", "sl", "b", IR_COMMITS | IR_TYPED_EFFECT)             \
    /* conversions and operations of one operand */                          \
    X(ZX, "zx", "n", "x", 0)                                                 \
    X(SX, "sx", "n", "x", 0)                                                 \
    X(LO, "lo", "w", "x", 0)                                                 \
    X(HI, "hi", "d", "b", 0)                                                 \
    X(NOT, "not", "s", "x", 0)                                               \
    X(NEG, "neg", "s", "y", 0)                                               \
    X(CLZ, "clz", "s", "b", 0)                                               \
    X(CTZ, "ctz", "s", "b", 0)                                               \
    X(POPCNT, "popcnt", "s", "b", 0)                                         \
    X(BSWAP, "bswap", "s", "t", 0)                                           \
    /* of two; a shift by the width or more gives zeros (or the sign), a     \
     * division by zero gives 0 */                                           \
    X(ADD, "add", "ss", "y", 0)                                              \
    X(SUB, "sub", "ss", "y", 0)                                              \
    X(MUL, "mul", "ss", "y", 0)                                              \
    X(AND, "and", "ss", "x", 0)                                              \
    X(OR, "or", "ss", "x", 0)                                                \
    X(XOR, "xor", "ss", "x", 0)                                              \
    X(SHL, "shl", "ss", "y", 0)                                              \
    X(SHR, "shr", "ss", "y", 0)                                              \
    X(SAR, "sar", "ss", "y", 0)                                              \
    X(ROL, "rol", "ss", "b", 0)                                              \
    X(ROR, "ror", "ss", "b", 0)                                              \
    X(UDIV, "udiv", "ss", "y", 0)                                            \
    X(UREM, "urem", "ss", "y", 0)                                            \
    X(SDIV, "sdiv", "ss", "y", 0)                                            \
    X(SREM, "srem", "ss", "y", 0)                                            \
    X(MULHU, "mulhu", "ss", "q", 0)                                          \
    X(MULHS, "mulhs", "ss", "q", 0)                                          \
    X(MULHSU, "mulhsu", "ss", "q", 0)                                        \
    X(CAT, "cat", "hh", "c", 0)                                              \
    X(EQ, "eq", "mm", "1", 0)                                                \
    X(NE, "ne", "mm", "1", 0)                                                \
    X(ULT, "ult", "mm", "1", 0)                                              \
    X(ULE, "ule", "mm", "1", 0)                                              \
    X(SLT, "slt", "mm", "1", 0)                                              \
    X(SLE, "sle", "mm", "1", 0)                                              \
    X(SELECT, "select", "1ss", "x", 0)                                       \
    /* a with b in place of its bits from imm on, a multiple of b's width */ \
    X(DEPOSIT, "deposit", "sn", "x", 0)                                      \
    /* vectors; LANES does operation imm & 0xff (a comparison makes lanes of \
     * ones) in lanes of type imm >> 8 & 0xff; if that is FP, imm >> 32 is   \
     * which, and d the rounding mode.  LOOKUP: byte i is byte b[i] of a, or \
     * 0 if that is above 15 */                                              \
    X(LANES, "lanes", "****", "V", IR_READS | IR_COMMITS)                    \
    X(SPLAT, "splat", "l", "V", 0)                                           \
    X(LOOKUP, "lookup", "ss", "V", 0)                                        \
    /* memory; imm = enum ir_access, space << 8; AMO gives the old value,    \
     * imm = enum ir_amo_op */                                               \
    X(LOAD, "load", "p", "y", IR_FAULTS | IR_READS)                          \
    X(STORE, "store", "ps", "y",                                             \
      IR_FAULTS | IR_COMMITS | IR_TYPED_EFFECT)                              \
    X(AMO, "amo", "ps", "q", IR_FAULTS | IR_COMMITS)                         \
    /* what is before it is seen before what is behind it */                  \
    X(FENCE, "fence", "", "v", IR_READS | IR_COMMITS)                        \
    /* imm = enum ir_fp_op; d = the rounding mode, IR_I8 */                  \
    X(FP, "fp", "****", "*", IR_READS | IR_COMMITS)                          \
    /* between these two, exceptions of floating point are not yet the       \
     * guest's; CHECK makes them so, or faults if one is enabled */          \
    X(FP_BEGIN, "fp.begin", "", "v", IR_READS)                               \
    X(FP_CHECK, "fp.check", "", "v", IR_FAULTS)                              \
    /* imm = helper, facts << 32, number of operands << 48 */                \
    X(CALL, "call", "****", "*", IR_FAULTS | IR_COMMITS | IR_READS)          \
    /* imm = family, kept flags << 32; c: only if, or IR_NONE; type = size   \
     * of the operands */                                                    \
    X(FLAGDEF, "flagdef", "ss1s", "b",                                       \
      IR_COMMITS | IR_TYPED_EFFECT | IR_OPTIONAL)                            \
    /* let the CPU's lazy flags be the packed ones, of whatever kind they     \
     * are; a translator's, in front of what wants to know their kind */      \
    X(FLAGPACK, "flagpack", "", "v", IR_READS | IR_COMMITS)                  \
    /* imm = which flag or condition, by the guest's own numbers */          \
    X(FLAGUSE, "flaguse", "", "1", IR_READS)                                 \
    /* imm = cause; the exception's value is IR_I64 */                       \
    X(RAISE, "raise", "6", "v", IR_FAULTS | IR_ENDS)                         \
    X(RAISE_IF, "raise.if", "16", "v", IR_FAULTS)                            \
    /* imm = offset of the next instruction; of INDIRECT, enum ir_hint */    \
    X(EXIT, "exit", "", "v", IR_ENDS)                                        \
    X(EXIT_IF, "exit.if", "1", "v", IR_LEAVES)                               \
    X(EXIT_INDIRECT, "exit.indirect", "p", "v", IR_ENDS)                     \
    X(EXIT_INDIRECT_IF, "exit.indirect.if", "1p", "v", IR_LEAVES)            \
    X(EXIT_IF_LEAVE, "exit.if.leave", "", "v", IR_LEAVES)                    \
    /* leave, to do this instruction again: it has not retired */            \
    X(AGAIN_IF, "again.if", "1", "v", IR_LEAVES)

/* X(NAME, text): read-modify-write operations of AMO. */
#define IR_AMOS(X)                                                           \
    X(ADD, "add")                                                            \
    X(SWAP, "swap")                                                          \
    X(AND, "and")                                                            \
    X(OR, "or")                                                              \
    X(XOR, "xor")                                                            \
    X(MIN, "min")                                                            \
    X(MAX, "max")                                                            \
    X(MINU, "minu")                                                          \
    X(MAXU, "maxu")

/*
 * Floating point: X(NAME, name, result, operand, count, how) is
 * fp_<name>() of cpu/fp/fp.h with `count` operands; those of IR_I128 have an
 * environment of their own (struct ir_guest).
 *   ROUNDS  takes a rounding mode, raises flags
 *   FLAGS   raises flags
 *   PURE    neither
 * Bits of a format are an integer of its width.
 */
#define IR_FPS_OF(X, F, f, T)                                                \
    X(ADD_##F, add_##f, T, T, 2, ROUNDS)                                     \
    X(SUB_##F, sub_##f, T, T, 2, ROUNDS)                                     \
    X(MUL_##F, mul_##f, T, T, 2, ROUNDS)                                     \
    X(DIV_##F, div_##f, T, T, 2, ROUNDS)                                     \
    X(SQRT_##F, sqrt_##f, T, T, 1, ROUNDS)                                   \
    X(ROUND_##F, round_##f, T, T, 1, ROUNDS)                                   \
    X(FMA_##F, fma_##f, T, T, 3, ROUNDS)                                     \
    X(MIN_##F, min_##f, T, T, 2, FLAGS)                                      \
    X(MAX_##F, max_##f, T, T, 2, FLAGS)                                      \
    X(EQ_##F, eq_##f, I1, T, 2, FLAGS)                                       \
    X(LT_##F, lt_##f, I1, T, 2, FLAGS)                                       \
    X(LE_##F, le_##f, I1, T, 2, FLAGS)                                       \
    X(CLASSIFY_##F, classify_##f, I32, T, 1, PURE)                           \
    X(TO_I32_##F, to_i32_##f, I32, T, 1, ROUNDS)                             \
    X(TO_U32_##F, to_u32_##f, I32, T, 1, ROUNDS)                             \
    X(TO_I64_##F, to_i64_##f, I64, T, 1, ROUNDS)                             \
    X(TO_U64_##F, to_u64_##f, I64, T, 1, ROUNDS)                             \
    X(FROM_I32_##F, from_i32_##f, T, I32, 1, ROUNDS)                         \
    X(FROM_U32_##F, from_u32_##f, T, I32, 1, ROUNDS)                         \
    X(FROM_I64_##F, from_i64_##f, T, I64, 1, ROUNDS)                         \
    X(FROM_U64_##F, from_u64_##f, T, I64, 1, ROUNDS)

/* Extended numbers, in the low 80 bits of IR_I128 (cpu/core/f80_ops.h). */
#define IR_FPS_80(X)                                                         \
    X(ADD_F80, add_f80, I128, I128, 2, ROUNDS)                               \
    X(SUB_F80, sub_f80, I128, I128, 2, ROUNDS)                               \
    X(MUL_F80, mul_f80, I128, I128, 2, ROUNDS)                               \
    X(DIV_F80, div_f80, I128, I128, 2, ROUNDS)                               \
    X(SQRT_F80, sqrt_f80, I128, I128, 1, ROUNDS)                             \
    X(ROUND_F80, round_f80, I128, I128, 1, ROUNDS)                           \
    X(SCALE_F80, scale_f80, I128, I128, 2, ROUNDS)                           \
    X(REM_F80, rem_f80, I128, I128, 2, FLAGS)                                \
    X(REM1_F80, rem1_f80, I128, I128, 2, FLAGS)                              \
    X(SIG_F80, sig_f80, I128, I128, 1, FLAGS)                                \
    X(EXP_F80, exp_f80, I128, I128, 1, FLAGS)                                \
    X(SIN_F80, sin_f80, I128, I128, 1, ROUNDS)                               \
    X(COS_F80, cos_f80, I128, I128, 1, ROUNDS)                               \
    X(TAN_F80, tan_f80, I128, I128, 1, ROUNDS)                               \
    X(PATAN_F80, patan_f80, I128, I128, 2, ROUNDS)                           \
    X(2XM1_F80, 2xm1_f80, I128, I128, 1, ROUNDS)                             \
    X(YL2X_F80, yl2x_f80, I128, I128, 2, ROUNDS)                             \
    X(YL2XP1_F80, yl2xp1_f80, I128, I128, 2, ROUNDS)                         \
    X(CMP_F80, cmp_f80, I8, I128, 2, FLAGS)                                  \
    X(CMPQ_F80, cmpq_f80, I8, I128, 2, FLAGS)                                \
    X(CLASSIFY_F80, classify_f80, I32, I128, 1, PURE)                        \
    X(BCD_F80, bcd_f80, I128, I128, 1, PURE)                                 \
    X(WIDEN_F32, widen_f32, I128, I32, 1, PURE)                              \
    X(WIDEN_F64, widen_f64, I128, I64, 1, PURE)                              \
    X(TO_F80_F32, to_f80_f32, I128, I32, 1, ROUNDS)                          \
    X(TO_F80_F64, to_f80_f64, I128, I64, 1, ROUNDS)                          \
    X(FROM_I64_F80, from_i64_f80, I128, I64, 1, ROUNDS)

#define IR_FPS(X)                                                            \
    X(RCP_F32, rcp_f32, I32, I32, 1, PURE)                                   \
    X(RSQRT_F32, rsqrt_f32, I32, I32, 1, PURE)                               \
    IR_FPS_80(X)                                                             \
    IR_FPS_OF(X, F16, f16, I16)                                              \
    IR_FPS_OF(X, F32, f32, I32)                                              \
    IR_FPS_OF(X, F64, f64, I64)                                              \
    X(TO_F32_F16, to_f32_f16, I32, I16, 1, ROUNDS)                           \
    X(TO_F64_F16, to_f64_f16, I64, I16, 1, ROUNDS)                           \
    X(TO_F16_F32, to_f16_f32, I16, I32, 1, ROUNDS)                           \
    X(TO_F64_F32, to_f64_f32, I64, I32, 1, ROUNDS)                           \
    X(TO_F16_F64, to_f16_f64, I16, I64, 1, ROUNDS)                           \
    X(TO_F32_F64, to_f32_f64, I32, I64, 1, ROUNDS)

#endif
