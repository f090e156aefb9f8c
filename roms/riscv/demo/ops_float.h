/* One function for each floating-point instruction: see ops_float.S. */
#ifndef DEMO_OPS_FLOAT_H
#define DEMO_OPS_FLOAT_H

#include <stdint.h>

struct fp_result {
    uint64_t bits;  /* of the result; a single is zero-extended */
    uint64_t flags; /* fflags: NX 1, UF 2, OF 4, DZ 8, NV 16 */
};

/* Up to three operands as bits, and the rounding mode of frm. */
typedef struct fp_result fp_fn(uint64_t a, uint64_t b, uint64_t c,
                               uint64_t mode);

fp_fn fp_fadd_s, fp_fsub_s, fp_fmul_s, fp_fdiv_s, fp_fsqrt_s, fp_fmin_s,
    fp_fmax_s, fp_fsgnj_s, fp_fsgnjn_s, fp_fsgnjx_s, fp_fmadd_s, fp_fmsub_s,
    fp_fnmadd_s, fp_fnmsub_s, fp_fadd_rtz_s, fp_feq_s, fp_flt_s, fp_fle_s,
    fp_fclass_s, fp_fcvt_w_s, fp_fcvt_wu_s, fp_fcvt_l_s, fp_fcvt_lu_s,
    fp_fcvt_s_w, fp_fcvt_s_wu, fp_fcvt_s_l, fp_fcvt_s_lu;
fp_fn fp_fadd_d, fp_fsub_d, fp_fmul_d, fp_fdiv_d, fp_fsqrt_d, fp_fmin_d,
    fp_fmax_d, fp_fsgnj_d, fp_fsgnjn_d, fp_fsgnjx_d, fp_fmadd_d, fp_fmsub_d,
    fp_fnmadd_d, fp_fnmsub_d, fp_fadd_rtz_d, fp_feq_d, fp_flt_d, fp_fle_d,
    fp_fclass_d, fp_fcvt_w_d, fp_fcvt_wu_d, fp_fcvt_l_d, fp_fcvt_lu_d,
    fp_fcvt_d_w, fp_fcvt_d_wu, fp_fcvt_d_l, fp_fcvt_d_lu;
fp_fn fp_fcvt_s_d, fp_fcvt_d_s, fp_fadd_s_raw, fp_store_load;

#endif
