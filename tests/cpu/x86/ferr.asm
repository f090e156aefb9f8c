; An x87 error on a PC with CR0.NE clear: FERR#, IRQ 13, port F0.  By beside.py
; alone: the rig has no interrupt controllers.
%include "rom.inc"
start:  PIC 0x20, 8, 4, 0xfb
        PIC 0xa0, 0x70, 2, 0xdf
        mov word [4 * 0x75], irq13
        mov word [4 * 0x75 + 2], 0xf000
        mov eax, cr0
        and eax, ~0x2c
        or al, 2
        mov cr0, eax
        fninit
        mov word [0x600], 0x37b
        fldcw [0x600]
        sti
        SAY "ferr "
        fld1
        fldz
        fdivp
        nop
        fwait
        nop
        SAY "after "
        fnstsw ax
        call hex16
        call newline16
        jmp bye16
irq13:  push ax
        SAY "irq13 "
        fnstsw ax
        and ax, 0x80ff
        call hex16
        out 0xf0, al
        fnclex
        mov al, 0x20
        out 0xa0, al
        out 0x20, al
        pop ax
        iret
%include "rom_end.inc"
