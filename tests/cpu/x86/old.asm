; What tells the 8086, the 80186, the 80286 and the 386 apart: PUSH SP, shift
; counts, words at FFFFh, a stack pointer of 1, POP and MOV to CS, the divisor
; that IP stands behind.  For the rig alone: the others have no such processors.
%include "rom.inc"
        cpu 8086

; Go on behind the macro when 80186 or later refuse it.
%macro TRY 1+
        mov word [0x500], %%after
        mov [0x502], sp
        %1
        SAY "done "
%%after:
%endmacro

; Two bytes at FFFFh and two at 0 and 10000h of segment 2000h.
%macro EDGE 1+
        mov ax, 0x2000
        mov es, ax
        mov ax, 0x3000
        mov ds, ax
        xor ax, ax
        mov [es:0], al
        mov [0], al
        %1
        mov ah, [es:0]
        mov al, [0]
        push ax
        xor ax, ax
        mov ds, ax
        pop ax
        call hex16
%endmacro

start:
        mov word [4 * 6], ud
        mov word [4 * 6 + 2], cs
        mov word [4 * 13], gp
        mov word [4 * 13 + 2], cs
        mov word [4 * 0], de
        mov word [4 * 0 + 2], cs

        SAY "pushsp "
        mov sp, 0x6000
        push sp
        pop ax
        call hex16
        mov bp, ax              ; 5FFE before the 80286
        mov sp, 0x7000
        call newline16

        SAY "shift "
        mov cl, 33
        mov ax, 1
        shl ax, cl
        call hex16
        call newline16

        SAY "word "
        mov bx, 0xffff
        mov dx, 0x1234
        cmp bp, 0x6000
        jne .early
        jmp .later
.early:
        EDGE {mov [es:bx], dx}
        mov ax, 0x3000          ; read: which of these is the high byte
        mov ds, ax
        mov byte [0], 0xbb
        mov byte [es:0], 0xaa
        xor ax, ax
        mov ds, ax
        mov ax, [es:bx]
        call hex16
        call newline16
        SAY "push "
        EDGE call push_at_1
        call newline16
        jmp cs_of
.later: TRY {mov [bx], dx}
        TRY {mov ax, [bx]}
        call newline16

        ; The byte 0F is POP CS on the 8086, and followed by FF on others.
cs_of:  SAY "cs "
        mov ax, 0xf100
        push ax
        mov word [0x500], after_pop
        mov word [0x502], 0x7000
        db 0x0f
popped: db 0xff, 0xff
after_pop:
        mov ax, 0xf100
        mov word [0x500], after_mov
        db 0x8e, 0xc8           ; MOV CS, AX
moved:  nop
after_mov:
        call newline16

        SAY "divide "
        mov word [0x500], 0
        xor cx, cx
        mov ax, 1
divide: div cl
divided:
        call newline16
        jmp bye16

; A word pushed where SP is 1: its bytes are at FFFF and the next.
push_at_1:
        mov ax, ss
        mov cx, sp
        mov dx, 0x2000
        mov ss, dx
        mov sp, 1
        mov dx, 0x789a
        push dx
        mov ss, ax
        mov sp, cx
        ret

de:     pop ax
        sub ax, divide
        call hex16
        add sp, 4
        jmp divided
ud:     SAY "ud "
        jmp back
gp:     SAY "gp "
back:   mov sp, [0x502]
        jmp [0x500]

; 1000h higher, where CS = F100 has its `popped` and `moved`.
        times popped - $$ + 0x1000 - ($ - $$) db 0x90
        jmp 0xf000:pop_done
        times moved - $$ + 0x1000 - ($ - $$) db 0x90
        jmp 0xf000:mov_done
pop_done:
        SAY "pop "
        jmp after_pop
mov_done:
        SAY "mov "
        jmp after_mov

        cpu 386
%include "rom_end.inc"
