; Protected mode: segment checks and error codes, gates, stacks of inner levels,
; call gates with parameters, far returns, tasks, V86, double faults.
%include "rom.inc"

%define GDT 0x10000             ; copied to RAM: bits of it are set
%define IDT 0x11000
%define TSS 0x12000
%define TSS2 0x12100
%define STACK0 0x20000
%define STACK1 0x22000
%define STACK3 0x24000

%define CODE0 0x08
%define DATA0 0x10
%define CODE3 0x1b
%define DATA3 0x23
%define TSSS 0x28
%define TSSS2 0x30
%define GATE 0x3b               ; a call gate for level 3
%define SMALL 0x40              ; limit 0xfff
%define DOWN 0x48               ; expand-down, limit 0xfff
%define RO 0x50                 ; read-only
%define XO 0x58                 ; execute-only
%define NPRES 0x60              ; not present
%define CONF 0x68               ; conforming
%define CODE1 0x71
%define DATA1 0x79
%define TASKG 0x80              ; a task gate for TSSS2
%define CODE16 0x88
%define LDTS 0x90
%define DATA16 0x98

start:
        PROTECT CODE0

        align 8
gdt:    dq 0
        dq 0x00cf9a000000ffff   ; 08
        dq 0x00cf92000000ffff   ; 10
        dq 0x00cffa000000ffff   ; 18
        dq 0x00cff2000000ffff   ; 20
        dq 0x0000890120000067   ; 28 TSS at 12000
        dq 0x0000890121000067   ; 30 TSS at 12100
        dw LIN(gate) & 0xffff, CODE0, 0xec02, LIN(gate) >> 16 ; 38
        dq 0x0040920000000fff   ; 40
        dq 0x0040960000000fff   ; 48
        dq 0x00cf90000000ffff   ; 50
        dq 0x00cf98000000ffff   ; 58
        dq 0x00cf12000000ffff   ; 60
        dq 0x00cf9e000000ffff   ; 68
        dq 0x00cfba000000ffff   ; 70
        dq 0x00cfb2000000ffff   ; 78
        dw 0, TSSS2, 0xe500, 0  ; 80
        dq 0x00009a0f0000ffff   ; 88 16 bits, the ROM's base
        dq 0x000082013000000f   ; 90 an LDT at 13000
        dq 0x000092000000ffff   ; 98
gdt_end:
gdtr0:  dw gdt_end - gdt - 1
        dd LIN(gdt)
gdtr:   dw gdt_end - gdt - 1
        dd GDT
idtr:   dw 0x81 * 8 - 1
        dd IDT

        bits 32
pm:     SETUP
        mov fs, ax
        mov gs, ax
        GATES 8, CODE0
        lidt [LIN(idtr)]
        mov edi, TSS
        mov ecx, 0x200 / 4
        xor eax, eax
        rep stosd
        mov dword [TSS + 4], STACK0
        mov dword [TSS + 8], DATA0
        mov dword [TSS + 12], STACK1
        mov dword [TSS + 16], DATA1
        mov word [TSS + 0x66], 0x68
        mov ax, TSSS
        ltr ax

        SAY32 "loads "
        FAULTS {mov ax, SMALL + 1}              ; nothing yet
        mov ax, 0x100
        FAULTS {mov ds, ax}                     ; beyond the GDT
        mov ax, XO
        FAULTS {mov es, ax}
        mov ax, NPRES
        FAULTS {mov ds, ax}
        FAULTS {mov ss, ax}
        xor ax, ax
        FAULTS {mov ss, ax}
        mov ax, RO
        FAULTS {mov ss, ax}
        mov ax, DATA3
        FAULTS {mov ss, ax}
        mov ax, 0x0c
        FAULTS {mov fs, ax}                     ; no LDT
        mov ax, TSSS
        FAULTS {mov gs, ax}
        FAULTS {lldt ax}
        FAULTS {ltr ax}                         ; it is busy
        call newline32

        SAY32 "limits "
        mov ax, SMALL
        mov gs, ax
        FAULTS {mov eax, [gs:0xffc]}
        FAULTS {mov eax, [gs:0xffd]}
        FAULTS {mov al, [gs:0x1000]}
        mov ax, DOWN
        mov gs, ax
        FAULTS {mov al, [gs:0xfff]}
        FAULTS {mov al, [gs:0x1000]}
        mov ax, RO
        mov gs, ax
        FAULTS {mov al, [gs:0]}
        FAULTS {mov [gs:0], al}
        FAULTS {mov [cs:0], al}
        xor ax, ax
        mov gs, ax
        FAULTS {mov al, [gs:0]}
        call newline32

        SAY32 "far "
        FAULTS {jmp 0:0}
        FAULTS {jmp DATA0:0}
        FAULTS {jmp NPRES:0}
        FAULTS {jmp CODE3:0}
        FAULTS {jmp CODE1:0}
        FAULTS {int 0x90}                       ; beyond the IDT
        call newline32

        ; To level 3 and back by INT 80h.
        SAY32 "level3 "
        push dword DATA3
        push dword STACK3
        pushfd
        push dword CODE3
        push dword LIN(user)
        iretd

user:   mov eax, esp
        mov bx, cs
        mov cx, ds                              ; null now
        int 0x80
        ; conforming code keeps the level
        call CONF + 3:LIN(conforming)
        mov ax, DATA3
        mov ds, ax
        FAULTS {mov word [ds:0x600], DATA0}
        mov ax, [0x600]
        FAULTS {mov ds, ax}
        FAULTS {cli}
        FAULTS {hlt}
        FAULTS {mov eax, cr0}
        FAULTS {in al, 0x60}
        FAULTS {int 0x20}
        FAULTS {lgdt [0x600]}
        FAULTS {jmp CODE0:0}
        mov al, 'p'
        pushfd
        push dword 0x3202                       ; IOPL stays 0, IF stays
        popfd
        pushfd
        pop eax
        popfd
        push eax
        push dword 0x1234
        push dword 0x5678
        call GATE:0
        pop eax
        int 0x80                                ; prints EAX
        mov al, 2
        int 0x80 + 0                            ; AL is not looked at
        mov eax, 0xffffffff                     ; go on in level 0
        int 0x80

level0: call newline32
        SAY32 "access "
        mov eax, CODE3
        lar ecx, eax
        mov eax, ecx
        call hex32
        mov eax, SMALL
        lsl ecx, eax
        mov eax, ecx
        call hex32
        mov eax, XO
        verr ax
        setz al
        call hex16p
        mov eax, RO
        verw ax
        setz al
        call hex16p
        verr ax
        mov eax, 0x2b
        lar ecx, eax
        setz al
        call hex16p                             ; RPL 3 may not look
        mov ax, 0x13
        mov bx, 0x10
        arpl bx, ax
        mov ax, bx
        call hex16p
        sldt eax
        call hex32
        str eax
        call hex32
        call newline32

        ; A task: called, it says something and goes back.
        SAY32 "task "
        mov dword [TSS2 + 0x20], LIN(task)
        mov dword [TSS2 + 0x24], 0x2
        mov dword [TSS2 + 0x38], 0x26000
        mov dword [TSS2 + 0x28], 0xabcd
        mov word [TSS2 + 0x48], DATA0
        mov word [TSS2 + 0x4c], CODE0
        mov word [TSS2 + 0x50], DATA0
        mov word [TSS2 + 0x54], DATA0
        mov word [TSS2 + 0x58], 0
        mov word [TSS2 + 0x5c], 0
        mov word [TSS2 + 0x66], 0x68
        call TSSS2:0
        SAY32 "back "
        call TASKG:0                            ; once more, through the gate
        str eax
        call hex32
        mov al, [GDT + TSSS + 5]
        call hex16p
        mov al, [GDT + TSSS2 + 5]
        call hex16p
        mov eax, cr0
        and al, 8                               ; TS
        call hex16p
        clts
        FAULTS {jmp TSSS:0}                     ; it is busy
        ; a bad selector is the new task's fault
        mov word [TSS2 + 0x54], 0x100
        mov dword [TSS2 + 0x20], LIN(task_never)
        FAULTS {call TSSS2:0}
        pushfd                                  ; still in that task
        pop eax
        and eax, 0x4000
        call hex16p
        and dword [esp - 4], ~0x4000
        str eax
        call hex32
        call newline32

        ; V86 mode.
        SAY32 "v86 "
        ; the new task's level 0 stack
        mov dword [TSS2 + 4], STACK0
        mov dword [TSS2 + 8], DATA0
        pushfd
        and dword [esp], ~0x4000
        popfd
        mov word [IDT + 13 * 8], LIN(v86_gp) & 0xffff
        mov esp, STACK0
        push dword 0                            ; gs
        push dword 0x1111                       ; fs
        push dword 0x2222                       ; ds
        push dword 0x3333                       ; es
        push dword 0x2000                       ; ss
        push dword 0x1000                       ; esp
        push dword 0x20002                      ; VM
        push dword 0xf000                       ; cs
        push dword v86
        iretd
        bits 16
v86:    mov ax, ds
        mov bx, ss
        pushf                                   ; IOPL 0: #GP
        bits 32
v86_gp: push eax
        mov ax, DATA0
        mov ds, ax
        pop eax
        call hex16p
        mov eax, ebx
        call hex16p
        mov eax, [esp]                          ; error
        call hex32
        mov eax, [esp + 4]
        sub eax, v86
        call hex16p
        mov eax, [esp + 12]
        and eax, 0x20000
        call hex32
        mov eax, [esp + 32]                     ; its ds
        call hex16p
        mov ax, es                              ; null
        call hex16p
        call newline32

        ; A double fault: #NP while #GP is delivered.  A triple one ends it.
        SAY32 "double "
        mov word [IDT + 13 * 8], (LIN(stubs) + 13 * STUB) & 0xffff
        mov byte [IDT + 13 * 8 + 5], 0x0e
        mov ax, DATA0
        mov es, ax
        mov esp, STACK0
        mov ax, 0x100
        FAULTS {mov fs, ax}
        call newline32
        mov byte [IDT + 8 * 8 + 5], 0x0e
        FAULTS {mov fs, ax}
        jmp bye32

task:   call hex16p                             ; EAX of its TSS
        pushfd
        pop eax
        and eax, 0x4000                         ; NT
        call hex16p
        mov eax, [TSS2]                         ; the link
        call hex16p
        mov eax, 0x4321
        iretd
        jmp task
task_never:
        SAY32 "never "
        jmp bye32

conforming:
        mov bx, cs
        retf

; Two parameters: what their sum is is said.
gate:   push ds
        mov eax, DATA0
        mov ds, ax
        mov eax, [esp + 12]
        add eax, [esp + 16]
        call hex32
        mov ax, ss
        call hex16p
        mov eax, [esp + 24]                     ; the outer SS
        call hex16p
        pop ds
        retf 8

        STUBS fault

fault:  push ds
        push eax
        mov ax, DATA0
        mov ds, ax
        mov eax, [esp + 8]
        cmp eax, 0x80
        je syscall_
        call hex16p
        cmp eax, 0x80
        mov eax, [esp + 8]
        ; 8, 10 to 14 and 17 have error codes
        bt dword [LIN(with)], eax
        jnc .none
        mov eax, [esp + 12]
        call hex16p
        mov eax, [0x500]
        mov [esp + 16], eax
        pop eax
        pop ds
        add esp, 8
        jmp .back
.none:  mov eax, [0x500]
        mov [esp + 12], eax
        pop eax
        pop ds
        add esp, 4
.back:  test byte [esp + 4], 3
        jz .same
        iretd
.same:  mov esp, [ss:0x504]
        jmp dword [ss:0x500]

syscall_:
        mov eax, [esp]
        cmp eax, -1
        je .level0
        push ecx
        push ebx
        call hex32
        mov eax, ebx
        call hex16p
        mov eax, ecx
        call hex16p
        pop ebx
        pop ecx
        pop eax
        pop ds
        add esp, 4
        iretd
.level0:
        mov esp, STACK0
        mov ax, DATA0
        mov es, ax
        jmp level0

%include "rom_end.inc"
