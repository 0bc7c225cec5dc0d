package membudget

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A goroutine may be interrupted in a Release after its bytes are in the pool and before
// they go to whom they are owed. Nobody else may take them then.
func TestBytesThatAreOwedCannotBeTakenOnTheirWay(t *testing.T) {
	b := New(100, Options{})
	greedy := b.Join()
	require.True(t, greedy.TryAcquire(100))
	newcomer := b.Join()

	b.releasing(10)
	greedy.balance.Add(10)
	b.pool.Add(10) // what give does before it settles

	assert.False(t, greedy.TryAcquire(10))
	assert.False(t, b.TryAcquire(10))
	assert.True(t, newcomer.TryAcquire(10))
	greedy.Release(90)
	newcomer.Release(10)
	assert.Zero(t, b.Used())
}
