; V86 mode with IOPL 3, VME, its single steps, and PVI; the I/O map; tasks of
; 16 bits and the T flag; alignment checks; SMM.
%include "rom.inc"

%define GDT 0x10000
%define IDT 0x11000
%define TSS 0x12000             ; with redirection and I/O maps
%define TSS16 0x13000
%define TSST 0x13100
%define STACK0 0x20000
%define STACK3 0x24000

%define CODE0 0x08
%define DATA0 0x10
%define CODE3 0x1b
%define DATA3 0x23
%define TSSS 0x28
%define TSS16S 0x30
%define TSSTS 0x38

start:
        UNLESS_RIG no_smi
        ; SMM first: from real mode, with a handler at 38000.
        SAY "smm "
        mov ax, 0x3000
        mov es, ax
        mov si, smi
        mov di, 0x8000
        mov cx, smi_end - smi
.copy:  cs lodsb
        stosb
        loop .copy
        xor ax, ax
        mov es, ax
        mov word [0x600], 0
        mov ebx, 0x12345678
        mov al, 0x10
        out 0xf5, al            ; SMI
        mov ax, [0x600]
        call hex16
        mov eax, ebx
        ror eax, 16
        call hex16
        call newline16
        mov al, 0x10
        out 0xf6, al

no_smi: PROTECT CODE0

; In SMM: EBX as it was is changed in the save area, by which processor it is.
smi:    mov ax, cs
        mov ds, ax
        inc word [cs:0x9000]
        push ax
        mov eax, [cs:0xfefc]    ; revision
        mov [cs:0x9004], eax
        pop ax
        mov dword [cs:0x8000 + 0x7fe0], 0xabcd0000      ; RBX, 64-bit map
        xor ax, ax
        mov ds, ax
        mov eax, [cs:0x9004]
        mov [0x600], ax
        rsm
smi_end:

        align 8
gdt:    dq 0
        dq 0x00cf9a000000ffff   ; 08
        dq 0x00cf92000000ffff   ; 10
        dq 0x00cffa000000ffff   ; 18
        dq 0x00cff2000000ffff   ; 20
        dq 0x00008901200000ff   ; 28
        dq 0x000081013000002b   ; 30: 16 bits
        dq 0x0000890131000067   ; 38
        dq 0x000092000000ffff   ; 40: a stack of 16 bits
gdt_end:
gdtr0:  dw gdt_end - gdt - 1
        dd LIN(gdt)
gdtr:   dw gdt_end - gdt - 1
        dd GDT
idtr:   dw 0x81 * 8 - 1
        dd IDT

        bits 32
pm:     SETUP
        GATES 8, CODE0
        lidt [LIN(idtr)]
        mov edi, TSS
        mov ecx, 0x100 / 4
        xor eax, eax
        rep stosd
        mov dword [TSS + 4], STACK0
        mov dword [TSS + 8], DATA0
        mov word [TSS + 0x66], 0x88             ; redirection at 68
        mov dword [TSS + 0x68], 0
        mov dword [TSS + 0x68 + 4], 1 << 1      ; INT 21h: protected
        mov edi, TSS + 0x88                     ; ports: all are open
        mov ecx, 0x1e
        rep stosd
        mov byte [TSS + 0x88 + 0x20 / 8], 2     ; but 21
        mov ax, TSSS
        ltr ax

        SAY32 "ports "
        mov eax, LIN(user)
        call to_user
back1:  call newline32

        ; V86 with IOPL 3: INT n comes by the gate, for which DPL 0 is not
        ; enough.
        SAY32 "iopl3 "
        mov word [0x42 * 4], 0
        mov dword [TSS + 0x66], 0x88
        mov ebx, 0x23002
        mov ecx, v86a
        mov dword [0x500], LIN(back2)
        mov [0x504], esp
        jmp to_v86
back2:  call newline32

        ; VME: INT 42h goes to its own handler, CLI and STI change VIF.
        SAY32 "vme "
        mov eax, cr4
        or eax, 3
        mov cr4, eax
        mov dword [0x42 * 4], 0xf0000000 + v86int
        mov ebx, 0x20002
        mov ecx, v86b
        mov dword [0x500], LIN(back3)
        mov [0x504], esp
        jmp to_v86
back3:  call newline32

        ; With TF: a trap behind each, but not behind INT n, whose handler runs
        ; without; its IRET and POPF are not for VME if they set TF.
        SAY32 "vmestep "
        mov word [IDT + 8], LIN(step) & 0xffff
        mov ebx, 0x20102
        mov ecx, v86c
        mov dword [0x500], LIN(back3b)
        mov [0x504], esp
        jmp to_v86
back3b: mov ebx, 0x20002
        mov ecx, v86d
        mov dword [0x500], LIN(back3c)
        jmp to_v86
back3c: mov ebx, 0x120002                       ; VIP: STI is for the monitor
        mov ecx, v86e
        mov dword [0x500], LIN(back3d)
        jmp to_v86
back3d: mov word [IDT + 8], (LIN(stubs) + STUB) & 0xffff
        call newline32

        SAY32 "pvi "
        mov eax, LIN(user_pvi)
        call to_user
back4:  call newline32

        ; A task of 16 bits.
        SAY32 "task16 "
        mov edi, TSS16
        mov ecx, 0x2c / 2
        xor eax, eax
        rep stosw
        mov word [TSS16 + 0x0e], task16_at
        mov word [TSS16 + 0x10], 2
        mov word [TSS16 + 0x12], 0x1357
        mov word [TSS16 + 0x1a], 0x6000
        mov word [TSS16 + 0x22], DATA0
        mov word [TSS16 + 0x24], CODE0
        mov word [TSS16 + 0x26], 0x40
        mov word [TSS16 + 0x28], DATA0
        ; IP has 16 bits: code below 64 KiB
        mov word [task16_at], 0xe9 | (0x90 << 8)
        mov byte [task16_at], 0xe9
        mov dword [task16_at + 1], LIN(task16) - (task16_at + 5)
        call TSS16S:0
        str eax
        call hex32
        ; the T flag: a trap before the first instruction
        mov edi, TSST
        mov ecx, 0x68 / 4
        xor eax, eax
        rep stosd
        mov dword [TSST + 0x20], LIN(task_t)
        mov dword [TSST + 0x24], 2
        mov dword [TSST + 0x38], 0x26000
        mov word [TSST + 0x48], DATA0
        mov word [TSST + 0x4c], CODE0
        mov word [TSST + 0x50], DATA0
        mov word [TSST + 0x54], DATA0
        mov word [TSST + 0x64], 1
        mov dword [0x500], LIN(task_t2)
        mov dword [0x504], 0x26000
        call TSSTS:0
back5:  call newline32

        SAY32 "align "
        mov eax, cr0
        or eax, 1 << 18
        mov cr0, eax
        mov eax, LIN(user_ac)
        call to_user
back6:  call newline32
        jmp bye32

task16_at: equ 0x700
task16: call hex16p                             ; AX
        mov eax, esp
        call hex32                              ; upper halves are ones
        iretd

task_t: SAY32 "never "
task_t2:
        mov eax, dr6
        call hex16p
        str eax
        call hex16p
        jmp TSSS_back
TSSS_back:
        pushfd
        or dword [esp], 0x4000
        popfd
        iretd

to_user:
        pop dword [0x508]
        push dword DATA3
        push dword STACK3
        push dword 2
        push dword CODE3
        push eax
        iretd

; EBX: EFLAGS, ECX: IP in the ROM.
to_v86:
        mov esp, STACK0
        push dword 0
        push dword 0
        push dword 0
        push dword 0
        push dword 0
        push dword 0x1000
        push ebx
        push dword 0xf000
        push ecx
        iretd

user:   mov ax, DATA3
        mov ds, ax
        FAULTS {in al, 0x20}
        FAULTS {in al, 0x21}
        FAULTS {in ax, 0x20}
        FAULTS {in al, 0x1f}
        mov dx, 0x378
        FAULTS {in al, dx}
        FAULTS {in eax, dx}                     ; its end
        mov dx, 0x400
        FAULTS {in al, dx}                      ; beyond the limit
        mov eax, LIN(back1)
        int 0x80

user_pvi:
        mov ax, DATA3
        mov ds, ax
        FAULTS {sti}
        pushfd
        pop eax
        shr eax, 8
        call hex32                              ; VIF
        FAULTS {cli}
        mov eax, LIN(back4)
        int 0x80

user_ac:
        mov ax, DATA3
        mov ds, ax
        mov dword [0x600], 0x11223344
        push dword 0x40002
        popfd
        FAULTS {mov eax, [0x602]}
        FAULTS {mov ax, [0x602]}
        FAULTS {mov ax, [0x603]}
        FAULTS {mov al, [0x603]}
        sub esp, 2
        mov dword [0x500], LIN(.after)
        push eax
        SAY32 "none "
.after: mov esp, STACK3
        push dword 2
        popfd
        FAULTS {mov eax, [0x602]}
        mov eax, LIN(back6)
        int 0x80

        bits 16
v86a:   mov al, 'a'
        out 0xe9, al
        pushf
        pop ax
        call hex16                              ; IOPL 3
        cli
        sti
        int 0x42
v86b:   mov al, 'b'
        out 0xe9, al
        pushf
        pop ax
        call hex16                              ; IOPL 3 and IF are said
        sti
        pushf
        pop ax
        call hex16
        int 0x42
        pushf
        pop ax
        call hex16
        cli
        int 0x21
v86c:   sti
        push ax
        pop ax
        int 0x42
v86d:   push word 0x0102
        popf
v86e:   cli
        sti
v86int: mov al, 'i'
        out 0xe9, al
        pushf
        pop ax
        call hex16
        mov bp, sp
        mov ax, [bp + 4]
        call hex16
        iret

        bits 32
; A single step in V86 mode: where, and DR6's BS.
step:   push eax
        mov ax, DATA0
        mov ds, ax
        mov eax, [esp + 4]
        sub eax, v86c
        call hex16p
        mov eax, dr6
        and eax, 0x4000
        call hex16p
        xor eax, eax
        mov dr6, eax
        pop eax
        iretd

        STUBS fault

; Says the vector and the error, goes on at [500]; of V86 in level 0.
fault:  push eax
        mov ax, DATA0
        mov ds, ax
        mov es, ax
        mov eax, [esp + 4]
        cmp eax, 0x80
        je leave_user
        call hex16p
        mov eax, [esp + 4]
        bt dword [LIN(with)], eax
        jc .error
        mov eax, [esp]
        add esp, 8
        jmp .back
.error: mov eax, [esp + 8]
        call hex16p
        pop eax
        add esp, 8
.back:  test dword [esp + 8], 0x20000
        jnz .level0
        test byte [esp + 4], 3
        jz .level0
        push eax
        mov eax, [0x500]
        mov [esp + 4], eax
        mov ax, DATA3
        mov ds, ax
        pop eax
        iretd
.level0:
        mov esp, [0x504]
        jmp dword [0x500]
leave_user:
        mov eax, [esp]
        mov esp, STACK0
        jmp eax

%include "rom_end.inc"
