package spool_test

import (
	"testing"

	"github.com/asynchandler/asynchandler/spool"
)

// Batches of 256 records of 200 bytes, without fsync.
func BenchmarkIn(b *testing.B) {
	s := open(b, b.TempDir(), spool.Options{SyncInterval: -1})
	batch := records(0, 256, 200)
	b.SetBytes(256 * 200)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Append(batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(256*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkOut(b *testing.B) {
	s := open(b, b.TempDir(), spool.Options{SyncInterval: -1})
	batch := records(0, 256, 200)
	n := 0
	b.SetBytes(256 * 200)
	b.ReportAllocs()
	for b.Loop() {
		if s.Len() == 0 {
			b.StopTimer()
			for range 3000 {
				if err := s.Append(batch); err != nil {
					b.Fatal(err)
				}
			}
			b.StartTimer()
		}
		got, err := s.Next(256)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Remove(len(got)); err != nil {
			b.Fatal(err)
		}
		n += len(got)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

// A spool of 1 GiB.
func BenchmarkOpen(b *testing.B) {
	opts := spool.Options{SyncInterval: -1}
	dir := b.TempDir()
	s := open(b, dir, opts)
	batch := records(0, 256, 200)
	for s.Bytes() < 1<<30-32<<20 {
		if err := s.Append(batch); err != nil {
			b.Fatal(err)
		}
	}
	n := s.Len()
	for b.Loop() {
		_ = s.Close()
		s = open(b, dir, opts)
		if s.Len() != n {
			b.Fatalf("%d records, want %d", s.Len(), n)
		}
	}
}
