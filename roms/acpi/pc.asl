/*
 * The DSDT of the board `pc`: i440FX and PIIX3 with PIIX4's power management.
 *
 * ACPI Specification 3.0; PCI Firmware Specification 3.0, 4.1 (_PRT).  What
 * this machine has, and where PCI's memory begins, is in a block of memory
 * whose address the firmware's loader puts in the place of the region's
 * (machine/acpi.c, put_presence()).
 *
 * Missing: hot plug, S2, thermal zones.
 */
DefinitionBlock ("", "DSDT", 1, "EMU", "EMUPC", 1)
{
    OperationRegion (PRES, SystemMemory, 0x4b4f4c42, 16)
    Field (PRES, DWordAcc, NoLock, Preserve)
    {
        HOLB, 32, // PCI's memory below 4 GiB: the first byte
        HOLE, 32, // and the last
        COM1, 1,
        COM2, 1,
        LPT1, 1,
        KBD1, 1,
        MOU1, 1,
        RTC1, 1,
        HPT1, 1,
        FWC1, 1,
    }

    Name (PICM, 0)
    Method (_PIC, 1) { PICM = Arg0 }
    // The PIIX4's types: powered on, to RAM, to disk and off.
    Name (\_S1, Package () { 4, 4, 0, 0 })
    Name (\_S3, Package () { 1, 1, 0, 0 })
    Name (\_S4, Package () { 0, 0, 0, 0 })
    Name (\_S5, Package () { 0, 0, 0, 0 })

    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, 0)
            Name (RESB, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0, 0, 0xff, 0, 0x100)
                IO (Decode16, 0xcf8, 0xcf8, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    EntireRange, 0, 0, 0xcf7, 0, 0xcf8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    EntireRange, 0, 0xd00, 0xffff, 0, 0xf300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
                    Cacheable, ReadWrite, 0, 0xa0000, 0xbffff, 0, 0x20000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
                    NonCacheable, ReadWrite, 0, 0xc0000000, 0xfebfffff, 0,
                    0x3ec00000,,, MEMW)
            })
            Method (_CRS, 0, Serialized)
            {
                CreateDWordField (RESB, ^MEMW._MIN, PMIN)
                CreateDWordField (RESB, ^MEMW._MAX, PMAX)
                CreateDWordField (RESB, ^MEMW._LEN, PLEN)
                PMIN = HOLB
                PMAX = HOLE
                PLEN = HOLE - HOLB + 1
                Return (RESB)
            }

            // Slot n's pin p (0: INTA) is PIRQ (n + p - 1) % 4.
            Method (_PRT, 0, Serialized)
            {
                Local0 = Package (128) {}
                Local1 = 0
                While (Local1 < 128)
                {
                    Local2 = Local1 >> 2
                    Local3 = (Local1 + Local2 + 3) & 3
                    If (PICM)
                    {
                        Local4 = Package (4) { 0, 0, 0, 0 }
                        Local4[3] = 16 + Local3
                    }
                    ElseIf (Local3 == 0)
                    {
                        Local4 = Package (4) { 0, 0, LNKA, 0 }
                    }
                    ElseIf (Local3 == 1)
                    {
                        Local4 = Package (4) { 0, 0, LNKB, 0 }
                    }
                    ElseIf (Local3 == 2)
                    {
                        Local4 = Package (4) { 0, 0, LNKC, 0 }
                    }
                    Else
                    {
                        Local4 = Package (4) { 0, 0, LNKD, 0 }
                    }
                    Local4[0] = (Local2 << 16) | 0xffff
                    Local4[1] = Local1 & 3
                    Local0[Local1] = Local4
                    Local1++
                }
                Return (Local0)
            }

            Device (ISA)
            {
                Name (_ADR, 0x00010000)
                OperationRegion (P40C, PCI_Config, 0x60, 4)
                Field (P40C, ByteAcc, NoLock, Preserve)
                {
                    PRQ0, 8,
                    PRQ1, 8,
                    PRQ2, 8,
                    PRQ3, 8,
                }

                Device (PIC)
                {
                    Name (_HID, EisaId ("PNP0000"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x20, 0x20, 1, 2)
                        IO (Decode16, 0xa0, 0xa0, 1, 2)
                        IO (Decode16, 0x4d0, 0x4d0, 1, 2)
                        IRQNoFlags () { 2 }
                    })
                }

                Device (TMR)
                {
                    Name (_HID, EisaId ("PNP0100"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x40, 0x40, 1, 4)
                        IRQNoFlags () { 0 }
                    })
                }

                Device (DMAC)
                {
                    Name (_HID, EisaId ("PNP0200"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x00, 0x00, 1, 0x10)
                        IO (Decode16, 0x81, 0x81, 1, 0x0f)
                        IO (Decode16, 0xc0, 0xc0, 1, 0x20)
                        DMA (Compatibility, NotBusMaster, Transfer8) { 4 }
                    })
                }

                Device (SPKR)
                {
                    Name (_HID, EisaId ("PNP0800"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x61, 0x61, 1, 1)
                    })
                }

                Device (RTC)
                {
                    Name (_HID, EisaId ("PNP0B00"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x70, 0x70, 1, 4)
                        IRQNoFlags () { 8 }
                    })
                    Method (_STA) { Return (RTC1 * 0x0f) }
                }

                Device (KBD)
                {
                    Name (_HID, EisaId ("PNP0303"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x60, 0x60, 1, 1)
                        IO (Decode16, 0x64, 0x64, 1, 1)
                        IRQNoFlags () { 1 }
                    })
                    Method (_STA) { Return (KBD1 * 0x0f) }
                }

                Device (MOU)
                {
                    Name (_HID, EisaId ("PNP0F13"))
                    Name (_CRS, ResourceTemplate () { IRQNoFlags () { 12 } })
                    Method (_STA) { Return (MOU1 * 0x0f) }
                }

                Device (SER1)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 1)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x3f8, 0x3f8, 0, 8)
                        IRQNoFlags () { 4 }
                    })
                    Method (_STA) { Return (COM1 * 0x0f) }
                }

                Device (SER2)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 2)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x2f8, 0x2f8, 0, 8)
                        IRQNoFlags () { 3 }
                    })
                    Method (_STA) { Return (COM2 * 0x0f) }
                }

                Device (PAR)
                {
                    Name (_HID, EisaId ("PNP0400"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x378, 0x378, 8, 8)
                        IRQNoFlags () { 7 }
                    })
                    Method (_STA) { Return (LPT1 * 0x0f) }
                }
            }
        }

        Device (HPET)
        {
            Name (_HID, EisaId ("PNP0103"))
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate ()
            {
                Memory32Fixed (ReadOnly, 0xfed00000, 0x400)
            })
            Method (_STA) { Return (HPT1 * 0x0f) }
        }

        Device (FWCF)
        {
            Name (_HID, "QEMU0002")
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x510, 0x510, 1, 0x0c)
            })
            Method (_STA) { Return (FWC1 * 0x0b) }
        }

        // Interrupt links: what a PIRQRC register says.
        Method (LSTA, 1)
        {
            If (Arg0 & 0x80) { Return (0x09) }
            Return (0x0b)
        }
        Method (LCRS, 1, Serialized)
        {
            Name (BUFF, ResourceTemplate ()
            {
                Interrupt (, Level, ActiveHigh, Shared) { 0 }
            })
            CreateDWordField (BUFF, 5, LIRQ)
            If (!(Arg0 & 0x80)) { LIRQ = Arg0 & 0x0f }
            Return (BUFF)
        }
        Name (LPRS, ResourceTemplate ()
        {
            Interrupt (, Level, ActiveHigh, Shared) { 5, 10, 11 }
        })

        Device (LNKA)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 0)
            Method (_STA) { Return (LSTA (^^PCI0.ISA.PRQ0)) }
            Method (_PRS) { Return (LPRS) }
            Method (_DIS) { ^^PCI0.ISA.PRQ0 |= 0x80 }
            Method (_CRS) { Return (LCRS (^^PCI0.ISA.PRQ0)) }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, LIRQ)
                ^^PCI0.ISA.PRQ0 = LIRQ
            }
        }

        Device (LNKB)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 1)
            Method (_STA) { Return (LSTA (^^PCI0.ISA.PRQ1)) }
            Method (_PRS) { Return (LPRS) }
            Method (_DIS) { ^^PCI0.ISA.PRQ1 |= 0x80 }
            Method (_CRS) { Return (LCRS (^^PCI0.ISA.PRQ1)) }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, LIRQ)
                ^^PCI0.ISA.PRQ1 = LIRQ
            }
        }

        Device (LNKC)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 2)
            Method (_STA) { Return (LSTA (^^PCI0.ISA.PRQ2)) }
            Method (_PRS) { Return (LPRS) }
            Method (_DIS) { ^^PCI0.ISA.PRQ2 |= 0x80 }
            Method (_CRS) { Return (LCRS (^^PCI0.ISA.PRQ2)) }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, LIRQ)
                ^^PCI0.ISA.PRQ2 = LIRQ
            }
        }

        Device (LNKD)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 3)
            Method (_STA) { Return (LSTA (^^PCI0.ISA.PRQ3)) }
            Method (_PRS) { Return (LPRS) }
            Method (_DIS) { ^^PCI0.ISA.PRQ3 |= 0x80 }
            Method (_CRS) { Return (LCRS (^^PCI0.ISA.PRQ3)) }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, LIRQ)
                ^^PCI0.ISA.PRQ3 = LIRQ
            }
        }
    }
}
