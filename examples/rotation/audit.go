package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
)

// audit reads all files in folder, which are in the order of their names, and prints
// what is in them. It returns an error unless each record is there once, and after those
// that its goroutine logged before.
func audit(table *log.Logger, folder string, records int) error {
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var next [writers]int // the number of the record that comes next
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err != nil {
			return err
		}
		for line := range bytes.Lines(text) {
			record := struct{ Writer, N int }{-1, -1}
			if err := json.Unmarshal(line, &record); err != nil || !bytes.HasSuffix(line, []byte("\n")) {
				return fmt.Errorf("%s has a torn line: %q", file.Name(), line)
			}
			if record.Writer < 0 || record.Writer >= writers || record.N != next[record.Writer] {
				return fmt.Errorf("%s has a line that does not follow: %q, after %v", file.Name(), line, next)
			}
			next[record.Writer]++
		}
		table.Printf("%-42s  %7d bytes  %6d lines", file.Name(), len(text), bytes.Count(text, []byte("\n")))
	}
	for writer, n := range next {
		if n != records {
			return fmt.Errorf("writer %d logged %d records, %d are there", writer, records, n)
		}
	}
	table.Printf("%d logged = %d lines in %d files; none is missing, none double, none torn",
		writers*records, writers*records, len(files))
	return nil
}
