package main

import (
	"encoding/binary"
	"path/filepath"

	"github.com/tidwall/wal"
	"go.etcd.io/bbolt"

	"github.com/asynchandler/asynchandler/spool"
)

// A diskQueue is a queue of records on disk that does not sync.
type diskQueue interface {
	add(batch [][]byte) error
	// read returns the oldest records, at most n.
	read(n int) ([][]byte, error)
	// drop removes the oldest n, which were read.
	drop(n int) error
	close() error
}

// diskQueues are package spool and what could be behind it.
var diskQueues = []struct {
	name string
	open func(dir string) (diskQueue, error)
}{
	{"spool", openSpoolQueue},
	{"tidwall-wal", openWALQueue},
	{"bbolt", openBoltQueue},
}

type spoolQueue struct{ *spool.Spool }

func openSpoolQueue(dir string) (diskQueue, error) {
	s, err := spool.Open(dir, spool.Options{SyncInterval: -1})
	return spoolQueue{s}, err
}

func (q spoolQueue) add(batch [][]byte) error     { return q.Append(batch) }
func (q spoolQueue) read(n int) ([][]byte, error) { return q.Next(n) }
func (q spoolQueue) drop(n int) error             { return q.Remove(n) }
func (q spoolQueue) close() error                 { return q.Close() }

type walQueue struct {
	log         *wal.Log
	first, last uint64
	batch       wal.Batch
}

func openWALQueue(dir string) (diskQueue, error) {
	log, err := wal.Open(dir, &wal.Options{NoSync: true, AllowEmpty: true, SegmentSize: 16 << 20})
	if err != nil {
		return nil, err
	}
	q := &walQueue{log: log}
	if q.first, err = log.FirstIndex(); err == nil {
		q.last, err = log.LastIndex()
	}
	return q, err
}

func (q *walQueue) add(batch [][]byte) error {
	q.batch.Clear()
	for _, r := range batch {
		q.last++
		q.batch.Write(q.last, r)
	}
	return q.log.WriteBatch(&q.batch)
}

func (q *walQueue) read(n int) (records [][]byte, err error) {
	for i := q.first; i <= q.last && len(records) < n; i++ {
		r, err := q.log.Read(i)
		if err != nil {
			return records, err
		}
		records = append(records, r)
	}
	return records, nil
}

func (q *walQueue) drop(n int) error {
	q.first += uint64(n)
	return q.log.TruncateFront(q.first)
}

func (q *walQueue) close() error { return q.log.Close() }

type boltQueue struct {
	db   *bbolt.DB
	next uint64
}

var boltBucket = []byte("records")

func openBoltQueue(dir string) (diskQueue, error) {
	db, err := bbolt.Open(filepath.Join(dir, "queue"), 0o600, &bbolt.Options{NoSync: true, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, err
	}
	return &boltQueue{db: db}, db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(boltBucket)
		return err
	})
}

func (q *boltQueue) add(batch [][]byte) error {
	return q.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(boltBucket)
		b.FillPercent = 1 // keys only grow
		for _, r := range batch {
			q.next++
			if err := b.Put(binary.BigEndian.AppendUint64(nil, q.next), r); err != nil {
				return err
			}
		}
		return nil
	})
}

func (q *boltQueue) read(n int) (records [][]byte, err error) {
	err = q.db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket(boltBucket).Cursor()
		for k, v := c.First(); k != nil && len(records) < n; k, v = c.Next() {
			records = append(records, append([]byte(nil), v...))
		}
		return nil
	})
	return records, err
}

func (q *boltQueue) drop(n int) error {
	return q.db.Update(func(tx *bbolt.Tx) error {
		c := tx.Bucket(boltBucket).Cursor()
		for k, _ := c.First(); k != nil && n > 0; k, _ = c.First() { // Delete moves a cursor
			if err := c.Delete(); err != nil {
				return err
			}
			n--
		}
		return nil
	})
}

func (q *boltQueue) close() error { return q.db.Close() }
