#!/usr/bin/env python3
"""x87's transcendental functions against integers of 500 bits.

usage: f80_math.py F80_EVAL [CASES [SEED]]

Random operands, as many for each function, by the program F80_EVAL
(f80_eval.c).  To nearest, the error may be half a unit of the last place and
a billionth; in the other modes, the result has to be on its side of the
exact one and less than a unit away.  Prints the largest errors; exit status
1 if one is too large.
"""

import random
import subprocess
import sys

BITS = 500
ONE = 1 << BITS
NEAREST, ZERO, DOWN, UP = range(4)
PI_66 = 0x3243f6a8885a308d3         # with 64 bits behind the point
NX = 1


def mul(a, b):
    """Towards zero, where series end."""
    p = a * b
    return p >> BITS if p >= 0 else -(-p >> BITS)


def series(x, start, step):
    """Sum of terms that `step` makes of one and its number."""
    total, term, n = 0, start, 0
    while term:
        total += term
        n += 1
        term = step(term, n)
    return total


def sin(x):
    z = mul(x, x)
    return series(x, x, lambda t, n: -mul(t, z) // (2 * n * (2 * n + 1)))


def cos(x):
    z = mul(x, x)
    return series(x, ONE, lambda t, n: -mul(t, z) // ((2 * n - 1) * 2 * n))


def exp_minus_1(x):
    return series(x, x, lambda t, n: mul(t, x) // (n + 1))


def atanh(x):
    z, total, power, n = mul(x, x), 0, x, 1
    while power:
        total += power // n
        power, n = mul(power, z), n + 2
    return total


def atan(x):
    """Halved until it is small."""
    halved = 0
    while abs(x) > ONE >> 6:
        root = isqrt(ONE * ONE + x * x)
        x = x * ONE // (ONE + root)
        halved += 1
    z, total, power, n = mul(x, x), 0, x, 1
    while power:
        total += power // n
        power, n = -mul(power, z), n + 2
    return total << halved


def isqrt(n):
    r = 1 << (n.bit_length() + 1) // 2
    while True:
        s = (r + n // r) >> 1
        if s >= r:
            return r
        r = s


LN2 = 2 * atanh(ONE // 3)
PI = 4 * atan(ONE)


def log2(x):
    """Of x / ONE."""
    exp = x.bit_length() - 1 - BITS
    m = x >> exp if exp >= 0 else x << -exp
    if m > ONE * 3 // 2:
        m, exp = m >> 1, exp + 1
    return exp * ONE + (2 * atanh((m - ONE) * ONE // (m + ONE)) * ONE // LN2)


# Numbers are (sign, exponent, significand of 64 bits).

def fixed(number):
    sign, exp, sig = number
    shift = BITS + exp - 63
    v = sig << shift if shift >= 0 else sig >> -shift
    return -v if sign else v


def angle(number):
    """What is left of it, half a quadrant at most, and the quadrant: both by
    the short pi, the functions themselves not."""
    sign, exp, sig = number
    # Exact in units of 2^-(63 + 80 + 2).
    units = sig << (exp + 82)
    half_pi = PI_66 << 80
    quadrant, rest = divmod(units, half_pi)
    if 2 * rest > half_pi:
        quadrant, rest = quadrant + 1, rest - half_pi
    return rest << (BITS - 145), quadrant & 3, sign


def exact(name, a, b):
    """The result, times 2^BITS and 2^scale: (value, scale)."""
    if name == "f2xm1":
        return exp_minus_1(mul(fixed(a), LN2)), 0
    if name in ("fyl2x", "fyl2xp1"):
        if name == "fyl2x":
            exp = a[1]
            log = log2(fixed((0, 0, a[2]))) + exp * ONE
        else:
            x = fixed(a)
            log = 2 * atanh(x * ONE // (2 * ONE + x)) * ONE // LN2
        return mul(log, fixed((b[0], 0, b[2]))), b[1]
    if name == "fpatan":
        y, x = fixed((0, b[1] - a[1], b[2])), fixed((0, 0, a[2]))
        if y <= x:
            r = atan(y * ONE // x)
        else:
            r = PI // 2 - atan(x * ONE // y)
        r = PI - r if a[0] else r
        return (-r if b[0] else r), 0
    rest, quadrant, sign = angle(a)
    s, c = sin(rest), cos(rest)
    s, c = ((s, c), (c, -s), (-s, -c), (-c, s))[quadrant]
    s = -s if sign else s
    if name == "fcos":
        return c, 0
    return (s * ONE // c if name == "fptan" else s), 0


def encode(number):
    sign, exp, sig = number
    return f"{sign << 15 | exp + 16383:04x}{sig:016x}"


def error(text, value, scale):
    """Of the result, in its units of the last place, signed, as a float."""
    se, sig = int(text[:4], 16), int(text[4:], 16)
    shift = (se & 0x7fff) - 16383 - 63 - scale + BITS
    if shift < 0:
        raise ValueError("a result is too small for this test")
    got = sig << shift
    got = -got if se >> 15 else got
    return ((got - value << 60) >> shift) / 2 ** 60


def operand(rng, low, high):
    """A number of 2^low to 2^(high + 1)."""
    sig = rng.getrandbits(64) | 1 << 63
    if rng.random() < 0.2:
        sig &= -1 << rng.randrange(1, 63) & (1 << 64) - 1 | 1 << 63
    return rng.getrandbits(1), rng.randint(low, high), sig


def near_multiple(rng):
    """An angle beside a multiple of pi / 4."""
    n = rng.getrandbits(rng.randrange(1, 62)) | 1
    v = (PI * n >> 2) >> 300
    exp = v.bit_length() - 1
    sig = v >> exp - 63
    sig += rng.randrange(-1, 2)
    return rng.getrandbits(1), exp - (BITS - 300), \
        min(max(sig, 1 << 63), (1 << 64) - 1)


def operands(rng, name):
    b = operand(rng, -60, 60)
    if name == "f2xm1":
        return operand(rng, -75, -1), b
    if name == "fyl2x":
        if rng.random() < 0.3:      # beside one
            off = rng.getrandbits(rng.randrange(1, 63)) | 1
            up = rng.getrandbits(1)
            return ((0, 0, (1 << 63) + off) if up else
                    (0, -1, (1 << 64) - off)), b
        return (0,) + operand(rng, -16382, 16383)[1:], b
    if name == "fyl2xp1":
        return operand(rng, -75, -3), b
    if name == "fpatan":
        a = operand(rng, -60, 60)
        return a, operand(rng, a[1] - 75, a[1] + 75)
    if rng.random() < 0.3:
        return near_multiple(rng), b
    return operand(rng, -75, 62), b


def main():
    program = sys.argv[1]
    cases = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    names = ("f2xm1", "fyl2x", "fyl2xp1", "fpatan", "fsin", "fcos", "fsincos",
             "fptan")
    todo = []
    for name in names:
        for n in range(cases):
            todo.append((name, n % 8 if n % 8 < 4 else NEAREST,
                         *operands(rng, name)))
    text = "".join(f"{name} {mode} {encode(a)} {encode(b)}\n"
                   for name, mode, a, b in todo)
    out = subprocess.run([program], input=text, capture_output=True,
                         text=True, check=True).stdout.splitlines()
    if len(out) != len(todo):
        sys.exit(f"{program}: {len(out)} answers to {len(todo)} lines")
    worst = {name: 0.0 for name in names}
    wrong = 0
    for (name, mode, a, b), line in zip(todo, out):
        value, scale = exact(name, a, b)
        result, flags = line.split()
        e = error(result, value, scale)
        tiny = name in ("fsin", "fcos", "fsincos", "fptan") and a[1] < -68
        if mode == NEAREST or tiny:
            good = abs(e) <= 0.500000001
            worst[name] = max(worst[name], abs(e))
        else:
            toward = {ZERO: value < 0, DOWN: False, UP: True}[mode]
            good = -1e-9 <= (e if toward else -e) <= 1
        # Intel's processors say so even of exact ones.
        good = good and int(flags, 16) & NX
        if not good:
            wrong += 1
            if wrong < 20:
                print(f"{name} {mode} {encode(a)} {encode(b)}: {line}, "
                      f"off by {e:.6f}")
    for name in names:
        print(f"{name:8} {cases} cases, largest error to nearest "
              f"{worst[name]:.9f} ulp")
    sys.exit(f"{wrong} wrong" if wrong else 0)


if __name__ == "__main__":
    main()
