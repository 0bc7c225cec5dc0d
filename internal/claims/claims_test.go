package claims_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/claims"
)

func TestClaims(t *testing.T) {
	x, y := new(int), new(int)
	assert.False(t, claims.Taken(x))
	assert.True(t, claims.Take(x))
	assert.True(t, claims.Taken(x))
	assert.False(t, claims.Take(x))
	assert.True(t, claims.Take(y))
	claims.Release(x)
	assert.False(t, claims.Taken(x))
	assert.True(t, claims.Take(x))
	claims.Release(x)
	claims.Release(y)
}

// What cannot be compared is anybody's.
func TestClaimsThatCannotBeCompared(t *testing.T) {
	for _, x := range []any{nil, []int{1}, struct{ f func() }{}, struct{ x any }{[]int{}}} {
		assert.True(t, claims.Take(x))
		assert.True(t, claims.Take(x))
		assert.False(t, claims.Taken(x))
		claims.Release(x)
	}
}
