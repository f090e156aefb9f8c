; Paging of 32 bits, PAE and four levels: rights, accessed and dirty bits, error
; codes and CR2; long and compatibility mode, its gates, IST, SYSCALL, canonical
; addresses; debug registers.
%include "rom.inc"

%define GDT 0x10000
%define IDT 0x11000
%define TSS 0x12000
%define STACK0 0x20000
%define STACK3 0x24000
%define IST1 0x26000
%define PD 0x100000             ; 32 bits
%define PT 0x101000
%define PML4 0x102000
%define PDPT 0x103000
%define PDL 0x104000
%define PTL 0x105000

%define CODE32 0x08
%define DATA0 0x10
%define CODE64 0x18
%define CODE3C 0x23             ; compatibility mode, level 3
%define DATA3 0x2b
%define CODE3 0x33
%define TSSS 0x38

start:
        PROTECT CODE32

        align 8
gdt:    dq 0
        dq 0x00cf9a000000ffff   ; 08
        dq 0x00cf92000000ffff   ; 10
        dq 0x00af9a000000ffff   ; 18
        dq 0x00cffa000000ffff   ; 20
        dq 0x00cff2000000ffff   ; 28
        dq 0x00affa000000ffff   ; 30
        dq 0x0000890120000067   ; 38
        dq 0
gdt_end:
gdtr0:  dw gdt_end - gdt - 1
        dd LIN(gdt)
gdtr:   dw gdt_end - gdt - 1
        dq GDT
idtr32: dw 0x20 * 8 - 1
        dd IDT
idtr64: dw 0x81 * 16 - 1
        dq IDT

        bits 32
pm:     SETUP
        GATE32OF 14, pf32
        lidt [LIN(idtr32)]

        ; Identity by 4 KiB pages for 4 MiB, the ROM by a large page.
        CLEAR PD, 0x2000
        mov dword [PD], PT + 7
        mov dword [PD + 0xffc], 0xffc00083
        mov edi, PT
        mov eax, 7
        mov ecx, 1024
.fill:  stosd
        add eax, 0x1000
        loop .fill
        mov dword [PT + 0x200 * 4], 0           ; 200000: absent
        mov dword [PT + 0x201 * 4], 0x201005    ; read-only
        mov dword [PT + 0x202 * 4], 0x202003    ; the supervisor's
        mov eax, cr4
        or eax, 0x10                            ; PSE
        mov cr4, eax
        mov eax, PD
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        SAY32 "paging32 "
        FAULTS {mov eax, [0x200000]}
        FAULTS {mov [0x200010], eax}
        FAULTS {mov [0x201000], eax}            ; without WP
        mov eax, cr0
        or eax, 0x10000
        mov cr0, eax
        FAULTS {mov [0x201004], eax}
        FAULTS {mov eax, [0x1ffffe]}            ; into the absent one
        mov eax, 0x200000
        FAULTS {jmp eax}
        FAULTS {mov eax, [0x400000]}            ; no table
        mov eax, [PT + 0x203 * 4]
        and eax, 0xfff
        call hex16p                             ; neither A nor D
        mov eax, [0x203000]
        mov eax, [PT + 0x203 * 4]
        and eax, 0xfff
        call hex16p
        mov [0x203000], eax
        mov eax, [PT + 0x203 * 4]
        and eax, 0xfff
        call hex16p
        mov eax, [PD]
        and eax, 0xfff
        call hex16p
        mov eax, [0xfffffff0 - 12]              ; a large page: A
        mov eax, [PD + 0xffc]
        call hex32
        ; a new translation counts after INVLPG
        mov dword [0x203000], 0x11111111
        mov dword [0x204000], 0x22222222
        mov edi, 0x203000                       ; a register's last page
        mov eax, [edi]
        mov dword [PT + 0x203 * 4], 0x204007
        invlpg [edi]
        mov eax, [edi]
        call hex32
        mov dword [PD + 8], 0x00200083          ; bit 21 of a large page
        FAULTS {mov eax, [0x800000]}
        ; from one page to another that is 16 MiB away: both want the same
        ; place in a cache of translations
        mov dword [PD + 16], PT + 7             ; 1000000: as 0
        mov edi, 0x205000
        mov eax, 0x33333333
        mov ecx, 8
        rep stosd
        mov esi, 0x205000
        mov edi, 0x1205100
        mov ecx, 32
        rep movsb
        mov eax, [0x205100 + 28]
        call hex32
        call newline32

        ; Long mode.
        mov eax, cr0
        and eax, 0x7fffffff
        mov cr0, eax
        CLEAR PML4, 0x4000
        mov dword [PML4], PDPT + 7
        mov dword [PML4 + 0xff8], PDPT + 7      ; the upper end, too
        mov dword [PDPT], PDL + 7
        mov dword [PDPT + 0xff0], PDL + 7
        mov dword [PDL], PTL + 7
        mov dword [PDL + 8], 0x200087           ; 2 MiB
        mov edi, PTL
        mov eax, 7
        mov ecx, 512
.fill2: stosd
        mov dword [edi], 0
        add edi, 4
        add eax, 0x1000
        loop .fill2
        mov dword [PTL + 0x180 * 8], 0          ; 180000: absent
        mov dword [PTL + 0x181 * 8 + 4], 0x80000000 ; no execution
        mov dword [PTL + 0x182 * 8 + 4], 0x00100000 ; reserved bit 52.. 
        mov dword [PTL + 0x183 * 8], 0x183003   ; the supervisor's
        mov dword [PTL + 0x184 * 8 + 4], 0x00010000 ; beyond 40 bits
        mov eax, cr4
        or eax, 0x20
        mov cr4, eax
        mov eax, PML4
        mov cr3, eax
        mov ecx, 0xc0000080
        rdmsr
        or eax, 0x901                           ; SCE, LME, NXE
        wrmsr
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax
        rdmsr
        SAY32 "long "
        call hex32                              ; LMA
        GATES 16, CODE64
        mov byte [IDT + 3 * 16 + 4], 1          ; INT3: IST 1
        mov byte [IDT + 3 * 16 + 5], 0xee
        mov byte [IDT + 12 * 16 + 4], 1         ; and #SS
        CLEAR TSS, 0x68
        mov dword [TSS + 4], STACK0
        mov dword [TSS + 36], IST1
        jmp CODE64:LIN(long64)

%include "rom64.inc"

long64: lgdt [LIN(gdtr)]
        lidt [LIN(idtr64)]
        mov ax, TSSS
        ltr ax
        mov ax, cs
        call hexw
        call newline64
        SAY64 "paging64 "
        FAULTS64 {mov eax, [0x180000]}
        FAULTS64 {mov [0x180000], eax}
        mov rax, 0xffffffff80180000
        FAULTS64 {mov rbx, [rax]}               ; the upper end
        FAULTS64 {mov rbx, [rax + 0x3000]}      ; is the same memory
        mov byte [0x181000], 0xc3
        mov eax, 0x181000
        FAULTS64 {call rax}                     ; no execution
        FAULTS64 {mov eax, [0x182000]}          ; bits 62:52 are free
        FAULTS64 {mov eax, [0x184000]}          ; reserved
        mov rax, 0x0000800000000000
        FAULTS64 {mov rbx, [rax]}
        FAULTS64 {mov rbx, [rax - 4]}           ; across the end
        FAULTS64 {jmp rax}
        mov rbp, rax
        FAULTS64 {mov rbx, [rbp]}               ; #SS
        lea rsp, [rax + 8]
        FAULTS64 {push rax}
        mov esp, STACK0
        call newline64

        SAY64 "gates "
        mov eax, esp
        call hex64
        push rax                                ; RSP is not aligned
        int3                                    ; on its IST
        pop rax
        FAULTS64 {int 0x81}
        FAULTS64 {mov ss, ax}
        xor eax, eax
        mov ss, eax                             ; null is a stack here
        FAULTS64 {db 0x0e}                      ; PUSH CS: #UD
        call newline64

        SAY64 "user "
        mov ecx, 0xc0000081                     ; STAR
        xor eax, eax
        mov edx, 0x230018
        wrmsr
        inc ecx                                 ; LSTAR
        mov eax, LIN(entry)
        xor edx, edx
        wrmsr
        mov ecx, 0xc0000084                     ; SFMASK
        mov eax, 0x700
        wrmsr
        mov eax, STACK3
        push DATA3
        push rax
        push 0x202
        push CODE3
        mov eax, LIN(user64)
        push rax
        iretq

user64: mov rax, rsp
        int 0x80                                ; says RAX
        mov ax, cs
        int 0x80
        FAULTS64 {mov eax, [0x183000]}          ; U
        FAULTS64 {mov [0x183000], eax}
        mov eax, 0x183000
        FAULTS64 {call rax}
        FAULTS64 {swapgs}
        FAULTS64 {rdmsr}
        syscall                                 ; RCX and R11 come back
back_from_syscall:
        mov rax, r15
        int 0x80
        ; compatibility mode and back
        push CODE3C
        mov eax, LIN(compat)
        push rax
        o64 retf
        bits 32
compat: mov eax, esp
        dec eax                                 ; not REX here
        int 0x80
        mov eax, cs
        int 0x80
        mov eax, 0xffffffff
        int 0x80                                ; ends

        bits 64
; Where SYSCALL goes: what RCX, R11, CS and SS are.
entry:  mov eax, LIN(back_from_syscall)
        mov r15, rcx
        sub r15, rax
        shl r15, 16
        mov ax, cs
        mov r15w, ax
        shl r15, 16
        mov ax, ss
        mov r15w, ax
        shl r15, 16
        mov r15w, r11w
        o64 sysret

syscall64:
        mov rax, [rsp]
        cmp eax, -1
        je last
        call hex64
        mov rax, [rsp + 40]                     ; RSP as pushed
        pop rax
        add rsp, 8
        iretq
break64:
        mov rax, rsp
        call hex64
        mov rax, [rsp + 40]
        call hex64
        pop rax
        add rsp, 8
        iretq
last:   mov rsp, STACK0
        call newline64

        ; Debug registers.
        SAY64 "debug "
        mov dword [IDT + 16], (LIN(db64) & 0xffff) | CODE64 << 16
        mov eax, 0x600
        mov dr0, rax
        mov eax, LIN(bpoint)
        mov dr1, rax
        mov eax, 0x604
        mov dr2, rax
        mov eax, 0x0f0d033f                     ; 0: write 4, 1: code, 2: rw 4
        mov dr7, rax
        mov [0x5fc], eax
        mov [0x602], ax                         ; 0
        mov ecx, [0x600]                        ; not a write
        mov ecx, [0x604]                        ; 2
bpoint: nop                                     ; 1, once
        mov edi, 0x5f8
        mov ecx, 4
        rep stosd                               ; behind the element
        xor eax, eax
        mov dr7, rax
        push qword 0x102                        ; TF
        popfq
        nop
        push qword 2
        popfq
        call newline64
        BYE
.bye:   hlt
        jmp .bye

db64:   push rax
        mov rax, dr6
        push rax
        call hexw
        xor eax, eax
        mov dr6, rax
        pop rax
        shl eax, 15                             ; RF for breakpoint 1: without
        and eax, 0x10000                        ; it there is no end to that
        push rax
        mov rax, [rsp + 16]
        sub rax, LIN(bpoint)
        call hexw
        mov rax, [rsp + 32]
        shr rax, 16
        and eax, 1                              ; RF
        call hexw
        pop rax
        or [rsp + 24], rax
        pop rax
        iretq

        bits 32
pf32:   push eax
        mov eax, cr2
        call hex32
        pop eax
        xchg eax, [esp]                         ; the error code
        call hex16p
        mov esp, [0x504]
        jmp dword [0x500]

        STUBS fault64

%include "rom_end.inc"
