; A boot sector that reads by INT 13h for ever, from drive A or (with CD) by
; AH=42h from the disc that it came from, and writes to port 402h what it read
; when that is another byte than before: `?` where not all are the same, `-`
; where the BIOS says that it failed.
        org 0x7c00
        bits 16
%ifdef CD
BYTES   equ 16 * 2048
%else
BYTES   equ 18 * 512
%endif
PLACE   equ 0x1000

        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7c00
        sti
        cld
        mov [drive], dl
        mov ax, PLACE
        mov es, ax
again:  mov byte [es:0], 0      ; where nothing is read, they differ
%ifdef CD
        mov word [packet + 2], BYTES / 2048 ; an error leaves fewer
        mov ah, 0x42
        mov dl, [drive]
        mov si, packet
%else
        mov ax, 0x0200 + BYTES / 512
        mov cx, 0x0101          ; cylinder 1, sector 1
        xor dx, dx              ; drive A, head 0
        xor bx, bx
%endif
        int 0x13
        mov bl, '-'
        jc tell
        xor di, di
        mov al, [es:di]
        mov bl, al
        mov cx, BYTES
        repe scasb
        je tell
        mov bl, '?'
tell:   cmp bl, '-'
        jne .good
        xor ah, ah              ; reset it, as programs do
        mov dl, [drive]
%ifndef CD
        xor dl, dl
%endif
        push bx
        int 0x13
        pop bx
.good:  cmp bl, [last]
        je again
        mov [last], bl
        mov al, bl
        mov dx, 0x402
        out dx, al
        jmp again

packet: db 16, 0
        dw BYTES / 2048, 0, PLACE
        dq 40                   ; block
drive:  db 0
last:   db 10
        times 510 - ($ - $$) db 0
        dw 0xaa55
