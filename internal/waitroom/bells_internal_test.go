package waitroom

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Who shares a channel and goes away before it rings needs none of its own; who goes away
// after that is not counted again.
func TestBellsMakeChannelsForThoseAloneThatStillWait(t *testing.T) {
	s := NewBells()
	var bells [made + 3]Bell
	for i := range bells {
		s.Take(&bells[i])
	}
	assert.Equal(t, 3, s.shared)
	assert.Empty(t, s.spare)
	s.Give(&bells[made])
	assert.Equal(t, 2, s.shared)
	s.Ring(&bells[made+1])
	assert.Len(t, s.spare, 2)
	assert.Zero(t, s.shared)
	s.Give(&bells[made+1])
	s.Give(&bells[made+2])
	assert.Zero(t, s.shared)
	assert.Len(t, s.spare, 2)
}
