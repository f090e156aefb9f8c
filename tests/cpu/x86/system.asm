; PAE with its page-directory pointers and NX; control registers, tables and
; MSRs that refuse; 64-bit call gates, SYSENTER, SYSRET's trap, a segment that
; becomes null, INVPCID and PCIDs, global pages; breakpoints that wait;
; protection keys; MONITOR and MWAIT that refuse.
%include "rom.inc"

%define GDT 0x10000
%define IDT 0x11000
%define TSS 0x12000
%define STACK0 0x20000
%define STACK3 0x24000
%define PML4 0x102000
%define PDPT 0x103000
%define PD 0x104000
%define PT 0x105000
%define PDPT32 0x106000
%define PD32 0x107000

%define CODE32 0x08
%define DATA0 0x10
%define CODE64 0x18             ; for SYSENTER and SYSCALL, and the next five
%define DATA3 0x33
%define CODE3 0x3b
%define TSSS 0x48
%define GATE 0x58               ; call gates for level 3: good,
%define GATEBAD 0x68            ; with a type in its upper half,
%define GATE32 0x78             ; to code that is not of 64 bits
%define LDTBAD 0x88             ; not canonical
%define TSSBAD 0x98
%define GATEFAR 0xa8            ; a good one to nowhere: not canonical

start:  PROTECT CODE32

        align 8
gdt:    dq 0
        dq 0x00cf9a000000ffff   ; 08
        dq 0x00cf92000000ffff   ; 10
        dq 0x00af9a000000ffff   ; 18
        dq 0x00cf92000000ffff   ; 20
        dq 0x00cffa000000ffff   ; 28
        dq 0x00cff2000000ffff   ; 30
        dq 0x00affa000000ffff   ; 38
        dq 0x00cff2000000ffff   ; 40
        dq 0x0000890120000067, 0 ; 48
        dw LIN(gate64) & 0xffff, CODE64, 0xec00, LIN(gate64) >> 16, 0, 0, 0, 0
        dw LIN(gate64) & 0xffff, CODE64, 0xec00, LIN(gate64) >> 16, 0, 0, 0x900
        dw 0
        dw LIN(gate64) & 0xffff, CODE32, 0xec00, LIN(gate64) >> 16, 0, 0, 0, 0
        dq 0x000082000000000f, 0x12340000
        dq 0x0000890000000067, 0x12340000
        dw LIN(gate64) & 0xffff, CODE64, 0xec00, LIN(gate64) >> 16, 0, 0x1234, 0, 0
        dw 0, DATA0, 0xec00, 0, 0, 0x1234, 0, 0 ; B8: what it leads to is first
gdt_end:
gdtr0:  dw gdt_end - gdt - 1
        dd LIN(gdt)
gdtr:   dw gdt_end - gdt - 1
        dq GDT
gdtbad: dw 0x7f
        dq 0x1234000000000000
idtr32: dw 0x20 * 8 - 1
        dd IDT
idtr64: dw 0x81 * 16 - 1
        dq IDT

        bits 32
pm:     SETUP
        GATE32OF 13, fault32
        GATE32OF 14, pf32
        lidt [LIN(idtr32)]

        ; PAE: the first 4 MiB, and from 4 MiB on 2 MiB without execution.
        SAY32 "pae "
        CLEAR PDPT32, 0x2000
        mov dword [PDPT32], PD32 + 1
        mov dword [PD32], 0x83
        mov dword [PD32 + 8], 0x200083
        mov dword [PD32 + 16], 0x200083
        mov dword [PD32 + 20], 0x80000000
        mov eax, cr4
        or eax, 0x20
        mov cr4, eax
        mov ecx, 0xc0000080
        rdmsr
        or eax, 0x801                           ; SCE, NXE
        wrmsr
        mov eax, PDPT32
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax
        mov byte [0x200000], 0xc3
        FAULTS {mov al, [0x400000]}
        mov eax, 0x400000
        FAULTS {call eax}
        FAULTS {mov al, [0x40000000]}           ; no directory
        mov dword [PDPT32 + 8], PD32 + 1
        FAULTS {mov al, [0x40000000]}           ; still: it was not loaded
        mov eax, PDPT32
        mov cr3, eax
        FAULTS {mov al, [0x40000000]}
        mov dword [PDPT32 + 8], PD32 + 3        ; reserved
        mov eax, PDPT32
        FAULTS {mov cr3, eax}
        FAULTS {mov al, [0x40000000]}           ; what was loaded counts
        mov dword [PDPT32 + 8], 0
        mov dword [PD32 + 20], 0x00100000       ; bit 52 is reserved
        invlpg [0x400000]
        FAULTS {mov al, [0x400000]}
        call newline32

        ; Long mode: 2 MiB as they are, then 2 MiB by small pages.
        mov eax, cr0
        and eax, 0x7fffffff
        mov cr0, eax
        CLEAR PML4, 0x4000
        mov dword [PML4], PDPT + 7
        mov dword [PDPT], PD + 7
        mov dword [PD], 0x87
        mov dword [PD + 8], PT + 7
        mov edi, PT
        mov eax, 0x200007
        mov ecx, 512
.fill:  mov [edi], eax
        add edi, 8
        add eax, 0x1000
        loop .fill
        mov eax, PML4
        mov cr3, eax
        mov ecx, 0xc0000080
        rdmsr
        or eax, 0x100
        wrmsr
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax
        GATES 16, CODE64
        mov byte [IDT + 3 * 16 + 5], 0xee
        CLEAR TSS, 0x68
        mov dword [TSS + 4], STACK0
        jmp CODE64:LIN(long64)

%include "rom64.inc"

long64: lgdt [LIN(gdtr)]
        lidt [LIN(idtr64)]
        mov ax, TSSS
        ltr ax

        SAY64 "cr "
        mov rbx, 1 << 32
        mov rax, cr0
        or rbx, rax
        FAULTS64 {mov cr0, rbx}
        mov ebx, eax
        and ebx, 0x7fffffff
        FAULTS64 {mov cr0, rbx}                 ; PG
        mov ebx, eax
        and ebx, ~1
        FAULTS64 {mov cr0, rbx}                 ; PE
        mov ebx, eax
        and ebx, ~0x40000000
        or ebx, 0x20000000
        FAULTS64 {mov cr0, rbx}                 ; NW without CD
        mov rax, cr4
        mov ebx, eax
        and ebx, ~0x20
        FAULTS64 {mov cr4, rbx}                 ; PAE
        mov ebx, eax
        or ebx, 1 << 31
        FAULTS64 {mov cr4, rbx}
        mov ebx, 16
        FAULTS64 {mov cr8, rbx}
        mov rbx, 1 << 52 | PML4
        FAULTS64 {mov cr3, rbx}
        mov rbx, 1 << 32
        FAULTS64 {mov dr7, rbx}
        call newline64

        SAY64 "tables "
        mov ax, LDTBAD
        FAULTS64 {lldt ax}
        mov ax, TSSBAD
        FAULTS64 {ltr ax}
        FAULTS64 {lgdt [LIN(gdtbad)]}
        mov ax, TSSS
        FAULTS64 {ltr ax}                       ; it is busy
        xor eax, eax
        FAULTS64 {ltr ax}
        FAULTS64 {lldt ax}
        call newline64

        SAY64 "msr "
%macro MSR 2                    ; number, low half of the value
        mov ecx, %1
        mov eax, %2
        xor edx, edx
        FAULTS64 {wrmsr}
%endmacro
        MSR 0x200, 6
        MSR 0x200, 2                            ; no such type
        MSR 0x200, 0x106
        MSR 0x201, 0x800
        MSR 0x201, 0x801
        MSR 0x2ff, 3
        MSR 0x250, 0x06060606
        MSR 0x250, 0x06060306
        MSR 0x277, 0x00070406
        MSR 0x277, 0x00070206
        MSR 0x1b00, 0
        MSR 0xc0000080, 0x1                     ; LME while it pages
        mov edx, 0x12340000
        mov ecx, 0xc0000100
        FAULTS64 {wrmsr}
        call newline64

        ; INVPCID and PCIDs.
        SAY64 "invpcid "
        mov qword [0x600], 0
        mov qword [0x608], 0
        mov ebx, 2
        FAULTS64 {invpcid rbx, [0x600]}
        mov ebx, 4
        FAULTS64 {invpcid rbx, [0x600]}
        mov qword [0x600], 0x1000
        mov ebx, 1
        FAULTS64 {invpcid rbx, [0x600]}
        mov qword [0x600], 1
        FAULTS64 {invpcid rbx, [0x600]}         ; PCIDs are off
        mov qword [0x600], 0
        xor ebx, ebx
        mov byte [0x60f], 0x12
        FAULTS64 {invpcid rbx, [0x600]}         ; not canonical
        mov byte [0x60f], 0
        call newline64
        SAY64 "pcid "
        mov eax, PML4 + 8
        mov cr3, rax
        mov rbx, cr4
        or ebx, 1 << 17
        FAULTS64 {mov cr4, rbx}                 ; CR3 has bits there
        mov eax, PML4
        mov cr3, rax
        FAULTS64 {mov cr4, rbx}
        mov rax, 1 << 63 | PML4 | 5
        FAULTS64 {mov cr3, rax}
        mov rax, cr3
        call hex64
        mov qword [0x600], 5
        mov ebx, 1
        FAULTS64 {invpcid rbx, [0x600]}
        mov eax, PML4
        mov cr3, rax
        mov rbx, cr4
        and ebx, ~(1 << 17)
        mov cr4, rbx
        call newline64

        ; Global pages: INVLPG and CR4.PGE forget them.
        SAY64 "global "
        mov dword [0x203000], 0x3333
        mov dword [0x204000], 0x4444
        or dword [PT + 3 * 8], 0x100
        mov rbx, cr4
        or ebx, 1 << 7
        mov cr4, rbx
        mov eax, [0x203000]
        mov dword [PT + 3 * 8], 0x204107
        invlpg [0x203000]
        mov eax, [0x203000]
        call hexw
        mov dword [PT + 3 * 8], 0x203107
        and ebx, ~(1 << 7)
        mov cr4, rbx
        mov eax, [0x203000]
        call hexw
        mov dword [PT + 4 * 8], 0x203007        ; not global: by CR3
        mov rax, cr3
        mov cr3, rax
        mov eax, [0x204000]
        call hexw
        call newline64

        ; A write that faults drops the page from the TLB, and so needs no
        ; INVLPG (4.10.4.1): what its register led to is forgotten, too.
        SAY64 "refilled "
        mov dword [PT + 3 * 8], 0x203005
        invlpg [0x203000]
        mov r14d, 0x203000
        mov ecx, 3
.again: mov eax, [r14]
        loop .again
        mov r13d, 0x9999
        FAULTS64 {mov [r14], r13d}
        mov dword [PT + 3 * 8], 0x204007
        mov [r14], r13d
        mov eax, [r14]
        call hexw
        mov dword [r14], 0x4444
        mov dword [PT + 3 * 8], 0x203007
        invlpg [r14]
        call newline64

        ; Global pages outlive CR3, and INVPCID of all others; not INVPCID of all.
        SAY64 "kept "
        mov qword [0x600], 0
        mov qword [0x608], 0
        mov dword [PT + 3 * 8], 0x203107
        or ebx, 1 << 7
        mov cr4, rbx
        mov eax, [0x203000]
        mov dword [PT + 3 * 8], 0x204107
        mov rax, cr3
        mov cr3, rax
        mov eax, [0x203000]
        call hexw
        mov ecx, 3
        invpcid rcx, [0x600]
        mov eax, [0x203000]
        call hexw
        mov ecx, 2
        invpcid rcx, [0x600]
        mov eax, [0x203000]
        call hexw
        mov dword [PT + 3 * 8], 0x203007
        and ebx, ~(1 << 7)
        mov cr4, rbx
        call newline64

        ; Protection keys: of users' pages, and of the supervisor's.
%macro PKRU 1
        mov eax, %1
        xor ecx, ecx
        xor edx, edx
        wrpkru
%endmacro
        SAY64 "keys "
        xor ecx, ecx
        FAULTS64 {rdpkru}
        mov dword [PT + 5 * 8 + 4], 3 << 27     ; 205000: 3
        mov dword [PT + 6 * 8 + 4], 3 << 27     ; 206000: 3, not for users
        and dword [PT + 6 * 8], ~4
        mov dword [PT + 7 * 8 + 4], 3 << 27     ; 207000: 3, read only
        and dword [PT + 7 * 8], ~2
        mov byte [0x205000], 0xc3
        mov rax, cr4
        or eax, 1 << 22 | 1 << 18               ; PKE, OSXSAVE
        mov cr4, rax
        invlpg [0x205000]
        PKRU 1 << 6                             ; no access
        FAULTS64 {mov al, [0x205000]}
        FAULTS64 {mov [0x205000], al}
        FAULTS64 {mov al, [0x206000]}
        mov eax, 0x205000
        FAULTS64 {call rax}
        call newline64
        SAY64 "keyswrite "
        PKRU 1 << 7                             ; no writes
        FAULTS64 {mov al, [0x205000]}
        FAULTS64 {mov byte [0x205000], 0xc3}
        FAULTS64 {mov [0x207000], al}
        PKRU 0
        FAULTS64 {mov [0x207000], al}
        PKRU 1 << 7
        mov rax, cr0
        and eax, ~0x10000
        mov cr0, rax
        FAULTS64 {mov byte [0x205000], 0xc3}
        mov rax, cr0
        or eax, 0x10000
        mov cr0, rax
        mov ecx, 1
        FAULTS64 {rdpkru}
        FAULTS64 {wrpkru}
        xor ecx, ecx
        mov edx, 1
        FAULTS64 {wrpkru}
        call newline64
        SAY64 "keyssave "
        mov eax, 7
        xor ecx, ecx
        cpuid
        mov eax, ecx
        shr eax, 3
        and eax, 3
        call hexw                               ; PKU, OSPKE
        mov eax, 0xd
        mov ecx, 9
        cpuid
        call hexw                               ; its bytes
        xor ecx, ecx
        mov eax, 0x203
        xor edx, edx
        FAULTS64 {xsetbv}
        mov edi, 0x208000
        mov ecx, 0x3000 / 4
        xor eax, eax
        rep stosd
        PKRU 0x54
        mov eax, 0x200
        FAULTS64 {xsave [0x208000]}
        PKRU 0
        mov eax, 0x200
        FAULTS64 {xrstor [0x208000]}
        rdpkru
        call hexw
        mov qword [0x208200], 0                 ; none is in use
        mov eax, 0x200
        FAULTS64 {xrstor [0x208000]}
        rdpkru
        call hexw
        call newline64

        SAY64 "pks "
        mov ecx, 0x6e1
        mov eax, 1 << 7
        xor edx, edx
        FAULTS64 {wrmsr}
        mov edx, 1
        FAULTS64 {wrmsr}
        mov rax, cr4
        or eax, 1 << 24
        FAULTS64 {mov cr4, rax}
        FAULTS64 {mov al, [0x206000]}
        FAULTS64 {mov [0x206000], al}
        FAULTS64 {mov [0x205000], al}
        mov eax, 1 << 6
        xor edx, edx
        FAULTS64 {wrmsr}
        FAULTS64 {mov al, [0x206000]}
        mov rax, cr4
        and eax, ~(1 << 24)
        mov cr4, rax
        FAULTS64 {mov al, [0x206000]}
        call newline64

        SAY64 "monitor "
        xor eax, eax
        xor ecx, ecx
        xor edx, edx
        FAULTS64 {monitor}
        inc ecx
        FAULTS64 {monitor}                      ; no extension is known
        mov [0], al
        FAULTS64 {mwait}                        ; wakes with IF clear
        inc ecx
        FAULTS64 {mwait}
        mov rcx, 1 << 32                        ; RCX, not ECX
        FAULTS64 {mwait}
        xor eax, eax
        FAULTS64 {monitor}
        mov rax, 0x123400000000000
        xor ecx, ecx
        FAULTS64 {monitor}
        mov eax, 0x300000
        mov dword [PT + 0x100 * 8], 0
        invlpg [rax]
        FAULTS64 {monitor}
        call newline64

        ; Debug exceptions.
        SAY64 "debug "
        mov dword [IDT + 16], (LIN(db64) & 0xffff) | CODE64 << 16
        mov eax, IDT + 0xf00                    ; where the processor reads
        mov dr0, rax
        mov eax, 0x600
        mov dr1, rax
        mov eax, 0x00fd0402 | 1 << 3            ; 0: write 4, 1: rw 4
        mov dr7, rax
        int 0x80                                ; its gate is in that page
mark1:  mov [IDT + 0xf00], eax
        mov dword [0x600], DATA0
mark2:  mov ss, [0x600]                         ; waits,
        db 0xf1                                 ; and is the same as this
        mov eax, 0x2400                         ; GD
        mov dr7, rax
mark3:  mov rax, dr0
        xor eax, eax
        mov dr7, rax
        call newline64

        ; SYSRET sets TF: the trap is before the first instruction.
        SAY64 "sysret "
        mov ecx, 0xc0000081                     ; STAR
        xor eax, eax
        mov edx, 0x280018
        wrmsr
        mov ecx, 0xc0000082                     ; LSTAR
        mov eax, LIN(entry)
        xor edx, edx
        wrmsr
        mov ecx, 0xc0000084                     ; SFMASK
        mov eax, 0x700
        wrmsr
        mov ecx, LIN(mark4)
        mov r11d, 0x3102
        o64 sysret
mark4:  nop                                     ; DB64 has cleared TF
        mov ax, cs
        call hexw
        mov ax, ss
        call hexw
        syscall
entry:  mov eax, r11d
        and eax, 0x7f00
        call hexw                               ; IOPL 3
        call newline64

        ; A return to level 3 makes GS null; its base stays.
        SAY64 "null "
        mov ax, DATA0
        mov gs, ax
        mov fs, ax
        mov ecx, 0xc0000101
        mov eax, 0x600
        xor edx, edx
        wrmsr
        mov dword [0x604], 0x8765
        mov eax, STACK3
        push DATA3
        push rax
        push 0x3002
        push CODE3
        mov eax, LIN(user)
        push rax
        iretq
user:   mov ax, gs
        call hexw
        mov eax, [gs:4]
        call hexw
        call newline64

        SAY64 "keys3 "
        PKRU 1 << 7
        FAULTS64 {mov al, [0x205000]}
        FAULTS64 {mov byte [0x205000], 0xc3}
        FAULTS64 {mov al, [0x206000]}           ; the key is not PKRU's
        PKRU 1 << 6
        FAULTS64 {mov al, [0x205000]}
        PKRU 0
        FAULTS64 {mov byte [0x205000], 0xc3}
        xor ecx, ecx
        FAULTS64 {monitor}
        FAULTS64 {mwait}
        call newline64

        SAY64 "call64 "
        mov rsp, STACK3 - 0x10
        call far dword [LIN(to_gate)]
back64: mov ax, cs
        call hexw
        mov rax, rsp
        call hexw
        FAULTS64 {call far dword [LIN(to_bad)]}
        FAULTS64 {call far dword [LIN(to_32)]}
        FAULTS64 {call far dword [LIN(to_far)]}
        FAULTS64 {call far dword [LIN(to_data)]}
        FAULTS64 {jmp far dword [LIN(to_gate)]}     ; to another level
        FAULTS64 {invpcid rbx, [0x600]}
        FAULTS64 {sysexit}
        call newline64

        SAY64 "sysenter "
        FAULTS64 {sysenter}                     ; no CS
        mov eax, LIN(set)
        int3                                    ; level 0
set_up: sysenter
entered:
        mov ax, cs
        call hexw
        mov ax, ss
        call hexw
        mov rax, rsp
        call hexw
        mov edx, LIN(exited)
        mov ecx, STACK3
        o64 sysexit
exited: mov ax, cs
        call hexw
        mov ax, ss
        call hexw
        mov rax, rsp
        call hexw
        call newline64
        BYE
.end:   jmp .end

to_gate: dd 0
        dw GATE + 3
to_bad: dd 0
        dw GATEBAD + 3
to_32:  dd 0
        dw GATE32 + 3
to_far: dd 0
        dw GATEFAR + 3
to_data: dd 0
        dw GATEFAR + 0x10 + 3

; Through the gate: CS and SS here, and what was pushed.
gate64: mov ax, cs
        call hexw
        mov ax, ss
        call hexw
        mov rax, rsp
        call hexw
        mov rax, [rsp]
        sub rax, LIN(back64)
        call hexw
        mov rax, [rsp + 8]
        call hexw
        mov rax, [rsp + 16]
        call hexw
        mov rax, [rsp + 24]
        call hexw
        o64 retf

; What INT3 of level 3 does at level 0: EAX.
break64:
        mov rax, [rsp]
        jmp rax
set:    mov ecx, 0x174
        mov eax, CODE64
        xor edx, edx
        wrmsr
        inc ecx
        mov eax, STACK0 - 0x100
        wrmsr
        inc ecx
        mov eax, LIN(entered)
        wrmsr
        pop rax
        add rsp, 8
        iretq
syscall64:
        pop rax
        add rsp, 8
        iretq

; DR6, where it is from the last mark, RF.
db64:   push rax
        mov rax, dr6
        call hexw
        xor eax, eax
        mov dr6, rax
        mov rax, [rsp + 8]
        sub rax, LIN(mark1)
        call hexw
        mov rax, [rsp + 24]
        shr rax, 16
        and eax, 1
        call hexw
        and dword [rsp + 24], ~0x100
        pop rax
        iretq

        bits 32
pf32:   push eax
        mov eax, cr2
        call hex32
        pop eax
fault32:
        xchg eax, [esp]                         ; the error code
        call hex16p
        mov esp, [0x504]
        jmp dword [0x500]

        STUBS fault64

%include "rom_end.inc"
