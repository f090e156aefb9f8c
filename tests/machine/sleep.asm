; A PC's firmware that suspends the machine and says how it comes back: the
; PIIX4's suspend type and what PMEN enables are patched in behind `start`.
%include "rom.inc"

%define MARK 0x7c00             ; in memory
%define AGAIN 0x7c02            ; what ran behind the command to suspend
%define PMSTS 0x600
%define PMEN 0x602
%define PMCNTRL 0x604

%macro CONFIG 3                 ; function, register, size's EAX or AX or AL
        mov eax, 0x80000000 | %1 << 8 | (%2 & 0xfc)
        mov dx, 0xcf8
        out dx, eax
        mov dx, 0xcfc + (%2 & 3)
%endmacro

start:  jmp go
        times 0x8000 - ($ - $$) db 0x90
type:   dw 1
enable: dw 0

go:     mov al, 0x0f
        out 0x70, al
        in al, 0x71
        cmp al, 0xfe
        je resumes

        mov ax, 0x5a01          ; a cold start
        mov [MARK], ax
        mov word [AGAIN], 0
        CONFIG 0, 0x5a, al      ; PAM: RAM at c0000
        mov al, 0x33
        out dx, al
        mov ax, 0xc000
        mov es, ax
        mov word [es:0], 0x7e57
        CONFIG 0, 0x5a, al      ; that cannot be written
        mov al, 0x11
        out dx, al
        mov al, 0x55
        out 0x21, al
        call find_pm
        mov ax, 0xffff
        mov dx, PMSTS
        out dx, ax
        mov ax, [cs:enable]
        mov dx, PMEN
        out dx, ax
        mov si, alarm           ; each second
.next:  cs lodsb
        cmp al, 0xff
        je .set
        out 0x70, al
        cs lodsb
        out 0x71, al
        jmp .next
.set:   mov al, 0x0c
        out 0x70, al
        in al, 0x71
        SAY "cold", 10
        mov ax, [cs:type]
        shl ax, 10
        or ax, 0x2000
        mov dx, PMCNTRL
        out dx, ax
        inc word [AGAIN]
        SAY "on "
        jmp report

resumes:
        SAY "up "
        CONFIG 0x0b, 0x40, eax  ; PMBASE, before it is set again
        in eax, dx
        call hex16
        call find_pm
report: mov ax, [MARK]
        call hex16
        mov ax, [AGAIN]
        call hex16
        mov ax, 0xc000
        mov es, ax
        inc word [es:0]
        mov ax, [es:0]
        call hex16
        in al, 0x21
        mov ah, 0
        call hex16
        mov dx, PMSTS
        in ax, dx
        and ax, 0x8500          ; resume, clock, button
        call hex16
        mov dx, PMEN
        in ax, dx
        call hex16
        call newline16
        mov al, 0x0f
        out 0x70, al
        mov al, 0
        out 0x71, al
        jmp bye16

; The power management's registers to PMSTS.
find_pm:
        CONFIG 0x0b, 0x40, eax
        mov eax, PMSTS | 1
        out dx, eax
        CONFIG 0x0b, 0x80, al
        mov al, 1
        out dx, al
        ret

; Index and value: alarms at any time, A, B with AIE.
alarm:  db 1, 0xc0, 3, 0xc0, 5, 0xc0, 0x0a, 0x26, 0x0b, 0x22, 0xff
%include "rom_end.inc"
