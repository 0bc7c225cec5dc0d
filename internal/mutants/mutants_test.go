package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

// A mutant that does not apply any more proves nothing: whoever moves the code moves the
// mutant with it.
func TestMutantsApply(t *testing.T) {
	names := map[string]bool{}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join(root, m.file))
			require.NoError(t, err)
			_, err = m.apply(string(content))
			assert.NoError(t, err)
			assert.NotEmpty(t, m.breaks)
			assert.False(t, names[m.name], "another mutant has the name")
			names[m.name] = true
			for dir := range strings.FieldsSeq(m.tests) {
				tests, err := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
				require.NoError(t, err)
				assert.NotEmpty(t, tests, dir)
			}
		})
	}
}
