package spool_test

import (
	"fmt"
	"os"

	"github.com/asynchandler/asynchandler/spool"
)

func Example() {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	s, err := spool.Open(dir, spool.Options{MaxBytes: 100 << 20})
	if err != nil {
		panic(err)
	}
	_ = s.Append([][]byte{[]byte("one"), []byte("two"), []byte("three")})
	_ = s.Close()

	// A later process opens the same folder.
	s, err = spool.Open(dir, spool.Options{MaxBytes: 100 << 20})
	if err != nil {
		panic(err)
	}
	defer s.Close()
	for s.Len() > 0 {
		records, err := s.Next(2)
		if err != nil {
			panic(err)
		}
		for _, r := range records {
			fmt.Println(string(r)) // deliver it
		}
		_ = s.Remove(len(records))
	}
	// Output:
	// one
	// two
	// three
}
