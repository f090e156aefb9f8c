; Real mode: interrupts, INT n, limits, unreal mode, A20, shadows, NMI, TF.
%include "rom.inc"

%macro VECTOR 2
        mov word [4 * %1], %2
        mov word [4 * %1 + 2], 0xf000
%endmacro

start:
        SAY "int "
        VECTOR 0x80, int80
        stc
        sti
        int 0x80
        pushf
        pop ax
        cli
        call hex16              ; IF is back, CF was set by the caller
        call newline16

        ; A word at FFFF is beyond the limit: #GP, no error code.
        SAY "limit "
        VECTOR 13, gp
        mov bp, sp
        mov [save], sp
        mov ax, [0xffff]
after_gp:
        call newline16
        SAY "ud "
        VECTOR 6, ud
        ud2
after_ud:
        call newline16

        ; Divide: the pushed IP is the DIV's.
        SAY "de "
        VECTOR 0, de
        xor dx, dx
        mov ax, 1
        xor cx, cx
divide: div cx
after_de:
        call newline16

        ; Unreal mode: limits stay.
        SAY "unreal "
        lgdt [cs:gdtr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        mov bx, 8
        mov ds, bx
        mov es, bx
        and al, 0xfe
        mov cr0, eax
        xor bx, bx
        mov ds, bx
        mov es, bx
        mov ebx, 0x200000
        mov dword [ebx], 0x12345678
        mov ax, [ebx + 2]
        call hex16
        mov ax, 0x1000
        mov ds, ax
        mov ax, [ebx - 0x10000 + 2]     ; the base moved, the limit did not
        call hex16
        xor ax, ax
        mov ds, ax
        call newline16

        ; REP MOVS between pages 16 MiB apart, both written before.
        SAY "far apart "
        mov esi, 0x2000
        mov edi, 0x1002100
        mov dword [esi], 0x55667788
        mov [edi], esi
        mov ecx, 4
        a32 rep movsb
        mov ax, [edi - 4]
        call hex16
        call newline16

        ; A20: with it low, 2 MiB + 1 MiB is 2 MiB.
        SAY "a20 "
        mov al, 0
        out 0xfa, al            ; the rig's
        out 0x92, al            ; a PC's
        mov ebx, 0x300000
        mov ax, [ebx + 2]
        call hex16
        mov al, 1
        out 0xfa, al
        inc ax
        out 0x92, al
        mov word [ebx + 2], 0x4321
        mov ax, [ebx + 2]
        call hex16
        call newline16

        UNLESS_RIG no_wires
        ; Hardware interrupts: not in the shadows of STI and MOV SS.
        SAY "irq "
        VECTOR 0x40, irq
        mov al, 0x40
        out 0xf8, al
        xor cx, cx
        sti
        inc cx                  ; in the shadow
        inc cx
        cli
        call hex16_cx
        mov al, 0x40
        out 0xf8, al
        xor cx, cx
        xor ax, ax
        sti
        nop
        cli
        mov al, 0x40
        out 0xf8, al
        sti
        mov ss, cx
        inc cx
        inc cx
        cli
        call hex16_cx
        call newline16

        ; HLT is left by an interrupt.
        SAY "hlt "
        mov al, 0x40
        out 0xf8, al
        sti
        hlt
        cli
        call newline16

        ; NMI: not nested before IRET.
        SAY "nmi "
        VECTOR 2, nmi
        mov al, 2
        out 0xf6, al
        out 0xf5, al
        nop
        call newline16

no_wires:
        ; Single step.
        SAY "step "
        VECTOR 1, step
        push word 0x0102
        popf
        nop                     ; a trap behind each
        mov bx, ss
        mov ss, bx              ; none here
        nop
        push word 2
        popf
        call newline16

        SAY "icebp "
        VECTOR 1, icebp
        db 0xf1
        call newline16
        SAY "into "
        VECTOR 4, into_
        mov al, 0x7f
        inc al
        into
        xor al, al
        into
        call newline16
        SAY "bound "
        VECTOR 5, bound_
        mov dword [0x600], 0x00050001
        mov ax, 3
        bound ax, [0x600]
        mov ax, 6
        bound ax, [0x600]
after_bound:
        call newline16

        ; Far calls and returns.
        SAY "far "
        call 0xf000:far_
        push cs
        push back
        mov bx, sp
        retf
back:   call newline16
        SAY "msw "
        smsw ax
        and ax, 0xfff1          ; MP, EM, TS apart
        call hex16
        pushf
        pop ax
        or ax, 0x7000
        push ax
        popf
        pushf
        pop ax
        and ax, 0xf000
        call hex16
        push word 2
        popf
        call newline16
        jmp bye16

save:   equ 0x500

hex16_cx:
        mov ax, cx
        jmp hex16

int80:  SAY "[80 "
        mov bp, sp
        mov ax, [bp + 4]        ; FLAGS as pushed
        call hex16
        pushf
        pop ax
        call hex16              ; IF and TF are off
        SAY "] "
        iret
gp:     mov bp, sp
        mov ax, [bp + 2]
        call hex16
        add sp, 6
        jmp after_gp
ud:     add sp, 6
        SAY "6 "
        jmp after_ud
de:     pop ax
        sub ax, divide
        call hex16
        add sp, 4
        jmp after_de
irq:    SAY "i"
        push ax
        mov ax, cx
        call hex16
        pop ax
        iret
nmi:    SAY "["
        mov al, 2
        out 0xf6, al
        cmp byte [0x520], 0
        jne .second
        inc byte [0x520]
        out 0xf5, al            ; waits for the IRET
        nop
.second: SAY "]"
        iret
step:   push bp
        mov bp, sp
        push ax
        mov ax, [bp + 2]
        sub ax, step_base
        call hex16
        pop ax
        pop bp
        iret
step_base: equ step
icebp:  SAY "1 "
        iret
into_:  SAY "4 "
        iret
bound_: SAY "5 "
        add sp, 6
        jmp after_bound
far_:   SAY "there "
        retf

gdtr:   dw 15
        dd LIN(gdt)
gdt:    dq 0
        dq 0x00cf93000000ffff

%include "rom_end.inc"
