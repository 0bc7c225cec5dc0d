// Package spool is a queue of records on disk, for what has to wait longer than memory
// can hold it or than the process lives:
//
//	s, err := spool.Open("/var/spool/myservice", spool.Options{})
//	if err != nil { ... }
//	defer s.Close()
//	err = s.Append([][]byte{[]byte("one"), []byte("two")})
//	...
//	records, err := s.Next(256) // the oldest, which stay
//	deliver(records)
//	err = s.Remove(len(records))
//
// A record is a sequence of bytes. Records come out in the order in which they were
// appended; [Spool.RemoveRange] removes some behind others that stay. What was appended and
// not removed is there when a later process opens the folder.
//
// # Crashes and damage
//
// A process that is killed loses nothing that [Spool.Append] has returned for, and gets back
// at most what it was about to remove. After a power cut the records and removals of the
// last [Options.SyncInterval] may be undone.
//
// A full disk takes no more records, but those that are there can be read and removed, which
// gives it its room back. A removal that cannot be written, as where even what is there
// cannot be written over, holds without that for this process. It is tried again at the next
// change, sync, [Spool.Flush] and [Spool.Close]; a process that ends before it succeeds has
// those records again whose files are there, and may count those of removed files as damaged.
//
// Each record has a checksum (CRC-32C). [Open] cuts a tail that a crash has torn at the last
// whole record. Damage further in costs the records that are damaged, which [Spool.Damaged]
// counts; reading goes on behind them. Open checks the records that are there for up to
// half a second, and those of files in which some are struck out; the others are checked when
// they are read.
//
// # Bound
//
// The files together have at most [Options.MaxBytes]. When that is reached the oldest file
// goes, with the records in it: a sixteenth of the bound, at most 16 MiB.
//
// # The folder
//
// A folder belongs to one process at a time. The file lock says which; the operating
// system releases the lock when the process ends, however that happens. The file position
// says what was removed. All other files of the queue end in ".spool"; their format has a
// version, and Open refuses those of a later one. It leaves other files alone. To empty a
// spool by hand, delete its folder while no process has it open.
//
// On systems without file locks (plan9, js, wasip1, solaris, aix) nothing keeps two processes
// apart.
package spool
