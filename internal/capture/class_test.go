package capture

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestClassCacheIsBounded(t *testing.T) {
	t.Cleanup(func() {
		classes.Clear()
		numClasses.Store(0)
	})
	for i := range maxClasses + 100 {
		assert.Equal(t, keep, classOf(reflect.ArrayOf(i, reflect.TypeFor[int]())))
	}
	cached := 0
	classes.Range(func(any, any) bool { cached++; return true })
	assert.Equal(t, maxClasses, cached)
}
