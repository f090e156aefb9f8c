; A PC's firmware that says what its clock shows: century and year, month, day,
; hours, minutes, seconds, all as the registers have them.
%include "rom.inc"

start:  mov si, registers
.next:  cs lodsb
        cmp al, 0xff
        je .end
        out 0x70, al
        in al, 0x71
        xchg al, ah
        cs lodsb
        out 0x70, al
        in al, 0x71
        call hex16
        jmp .next
.end:   call newline16
        xor al, al
        jmp bye16
registers:
        db 0x32, 9, 8, 7, 4, 2, 0x0d, 0, 0xff
%include "rom_end.inc"
