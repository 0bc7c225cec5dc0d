package testsink_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		name    string
		arrived []string
		want    testsink.Ledger
		err     string // empty: none
	}{
		{
			name:    "complete",
			arrived: []string{"g0-0", "g1-0", "g1-1", "g0-1"},
			want:    testsink.Ledger{Arrived: 4},
		},
		{
			name:    "nothing",
			arrived: nil,
			want:    testsink.Ledger{Missing: []string{"g0-0", "g0-1", "g1-0", "g1-1"}},
			err:     `missing 4 ["g0-0" "g0-1" "g1-0" "g1-1"]`,
		},
		{
			name:    "duplicate",
			arrived: []string{"g0-0", "g0-1", "g0-0", "g1-0", "g1-1"},
			want:    testsink.Ledger{Arrived: 4, Duplicates: []string{"g0-0"}},
			err:     `duplicates 1 ["g0-0"]`,
		},
		{
			name:    "out of order",
			arrived: []string{"g0-1", "g1-0", "g0-0", "g1-1"},
			want:    testsink.Ledger{Arrived: 4, Unordered: []string{"g0-0"}},
			err:     `unordered 1 ["g0-0"]`,
		},
		{
			name:    "unknown",
			arrived: []string{"g0-0", "g2-0", "g0-1", "g0-2", "hello", "g01-0", "0-0", "g-1-0", "g1-0", "g1-1"},
			want:    testsink.Ledger{Arrived: 4, Unknown: []string{"g2-0", "g0-2", "hello", "g01-0", "0-0", "g-1-0"}},
			err:     `unknown 6 ["g2-0" "g0-2" "hello" "g01-0" "0-0"]`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := testsink.Check(tt.arrived, 2, 2)
			assert.Equal(t, tt.want, got)
			if tt.err == "" {
				assert.NoError(t, got.Err())
			} else {
				assert.ErrorContains(t, got.Err(), tt.err)
			}
		})
	}
}

func TestMessages(t *testing.T) {
	output := `level=INFO msg=g0-1 a=1` + "\n" + `{"msg":"g12-345"}` + "\n" + `msg="log records dropped" key=bg1-1`
	assert.Equal(t, []string{"g0-1", "g12-345"}, testsink.Messages(output))
}
