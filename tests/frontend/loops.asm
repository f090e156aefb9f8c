; Firmware that gets nowhere, in as many ways as its byte `which` (FFE0h) has
; values; test_loops.py patches it.  It says "up" on port E9h before.
;
; nasm -f bin; 64 KiB, the last byte at FFFFFFFFh.
        bits 16
        org 0x10000
%define LIN(label) (0xffff0000 + (label) - 0x10000)
CODE    equ 0x08
DATA    equ 0x10
CODE64  equ 0x18
CODE3   equ 0x23
DATA3   equ 0x2b
TSSA    equ 0x30
TSSB    equ 0x38
GDT     equ 0x1000
IDT     equ 0x2000
TSS     equ 0x3000              ; A, and B at 3100
PML4    equ 0x4000
PDPT    equ 0x5000
PD      equ 0x6000
STACK   equ 0x8000
STACK3  equ 0x9000

gdt:    dq 0
        dq 0x00cf9b000000ffff   ; 08
        dq 0x00cf93000000ffff   ; 10
        dq 0x00af9b000000ffff   ; 18
        dq 0x00cffb000000ffff   ; 20
        dq 0x00cff3000000ffff   ; 28
        dq 0x0000890030000067   ; 30
        dq 0x0000890031000067   ; 38
gdt_end:
gdtr0:  dw gdt_end - gdt - 1
        dd LIN(gdt)
gdtr:   dw gdt_end - gdt - 1
        dd GDT
idtr:   dw 0xfff
        dq IDT
nothing: dw 0
        dq 0

real:   cli
        mov al, 'u'
        out 0xe9, al
        mov al, 'p'
        out 0xe9, al
        mov al, 10
        out 0xe9, al
        mov al, [cs:which - 0x10000]
        cmp al, 1
        je vectors
        cmp al, 2
        je stopped
        o32 lgdt [cs:gdtr0 - 0x10000]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword CODE:LIN(flat)

; INT3 whose handler is the same INT3.
vectors:
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7000
        mov word [12], 0x600
        mov word [14], 0
        mov byte [0x600], 0xcc
        int3
stopped:
        hlt                     ; IF is clear
        jmp stopped

        bits 32
flat:   mov ax, DATA
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, STACK
        cld
        mov edi, GDT
        mov ecx, (STACK3 - GDT) / 4
        xor eax, eax
        rep stosd
        mov esi, LIN(gdt)
        mov edi, GDT
        mov ecx, gdt_end - gdt
        rep movsb
        lgdt [LIN(gdtr)]
        lidt [LIN(idtr)]
        movzx eax, byte [LIN(which)]
        jmp [LIN(table) + 4 * eax]

        align 4
table:  dd LIN(triple), 0, 0, LIN(handler), LIN(aligned), LIN(tasks)
        dd LIN(walk), LIN(nowhere), LIN(strings), LIN(smi), LIN(steps)
        dd LIN(pages)

; No IDT: a triple fault, and a reset, and again.
triple: lidt [LIN(nothing)]
        ud2

; Make the gate of vector EAX: at EBX, type and DPL in CL.
gate:   lea edi, [IDT + eax * 8]
        mov [edi], bx
        mov [edi + 2], word CODE
        mov [edi + 4], byte 0
        mov [edi + 5], cl
        shr ebx, 16
        mov [edi + 6], bx
        ret

; 64-bit mode: #UD's handler, on a stack of its own, is an UD2.
handler:
        mov dword [PML4], PDPT + 7
        mov edi, PDPT
        mov eax, PD + 7
        mov ecx, 4
.pdpt:  mov [edi], eax
        add edi, 8
        loop .pdpt
        mov dword [PDPT], 0x87                  ; pages of 1 GiB
        mov dword [PDPT + 24], 0xc0000087
        mov eax, cr4
        or eax, 0x20
        mov cr4, eax
        mov eax, PML4
        mov cr3, eax
        mov ecx, 0xc0000080
        rdmsr
        or eax, 0x100
        wrmsr
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        mov eax, 12                             ; 16 bytes each: vector 6
        mov ebx, LIN(again)
        mov cl, 0x8e
        call gate
        mov word [IDT + 96 + 2], CODE64
        mov byte [IDT + 96 + 4], 1              ; IST 1
        mov dword [TSS + 36], STACK
        mov ax, TSSA
        ltr ax
        jmp CODE64:LIN(again)
        bits 64
again:  ud2
        bits 32

; Level 3, a stack that is not aligned, #AC's handler on the same.
aligned:
        mov eax, cr0
        or eax, 1 << 18
        mov cr0, eax
        mov eax, 17
        mov ebx, LIN(.here)
        mov cl, 0xee
        call gate
        mov word [IDT + 17 * 8 + 2], CODE3
        push dword DATA3
        push dword STACK3 - 1
        push dword 0x40002
        push dword CODE3
        push dword LIN(.here)
        iretd
.here:  push eax
        jmp .here

; Two tasks that jump to each other, each by a page table of its own.
tasks:  mov ebx, TSS
        mov ecx, 2
.fill:  mov dword [ebx + 0x1c], PML4
        mov dword [ebx + 0x24], 2
        mov dword [ebx + 0x38], STACK
        mov dword [ebx + 0x48], DATA
        mov dword [ebx + 0x4c], CODE
        mov dword [ebx + 0x50], DATA
        mov dword [ebx + 0x54], DATA
        add ebx, 0x100
        loop .fill
        mov dword [TSS + 0x20], LIN(.a)
        mov dword [TSS + 0x120], LIN(.b)
        mov ax, TSSA
        ltr ax
.a:     jmp TSSB:0
        jmp .a
.b:     jmp TSSA:0
        jmp .b

; Page tables in the chips' registers.
walk:   mov eax, 0xfee00000
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        jmp walk

; Code in the chips' registers, behind a handler that goes back there.
nowhere:
        mov eax, 6
        mov ebx, 0xfee00000
        mov cl, 0x8f
        call gate
        mov eax, 0xfee00000
        jmp eax

; Strings of 4 GiB, over ports and registers.
strings:
        mov ecx, -1
        mov edi, 0xfee00000
        mov dx, 0x71
        rep insb
        mov esi, 0xfec00000
        mov ecx, -1
        rep movsb
        jmp strings

; SMIs whose handler is zeros.
smi:    mov eax, 0x80000b58                     ; APMC_EN
        mov dx, 0xcf8
        out dx, eax
        mov dx, 0xcfc
        mov eax, 1 << 25
        out dx, eax
.next:  out 0xb2, al
        jmp .next

; Single steps whose handler sets TF again and returns.
steps:  mov eax, 1
        mov ebx, LIN(.step)
        mov cl, 0x8f
        call gate
        pushfd
        or dword [esp], 0x100
        popfd
.here:  jmp .here
.step:  or dword [esp + 8], 0x100
        iretd

; #PF's handler, which is at fault itself.
pages:  mov dword [PML4], 0x83                  ; 4 MiB, and the ROM's
        mov dword [PML4 + 0xffc], 0xffc00083
        mov eax, cr4
        or eax, 0x10
        mov cr4, eax
        mov eax, PML4
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        mov eax, 14
        mov ebx, LIN(.fault)
        mov cl, 0x8f
        call gate
.fault: mov esp, STACK
        mov al, [0x40000000]
        jmp .fault

        times 0x1ffe0 - 0x10000 - ($ - $$) db 0
which:  db 0
        times 0x1fff0 - 0x10000 - ($ - $$) db 0
        bits 16
        jmp real
        times 0x20000 - 0x10000 - ($ - $$) db 0
