// Package story has what every SDK is made to say, in the same order (node/story.mjs tells the same), and what a
// program is given.
package story

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"
)

// Patience is how long a program waits for its SDK to be done.
const Patience = 30 * time.Second

// Who is a user, a device, or a user on a device.
type Who struct{ User, Device string }

// SDK is one SDK as the story drives it. An empty variant says that the user left the experiment.
type SDK interface {
	Expose(who Who, flag, variant, insertID string)
	Bad()
}

// Identifier is an SDK that can say of a device whose it is.
type Identifier interface{ Identify(who Who) }

// Purchaser is an SDK that tells of more than exposures.
type Purchaser interface{ Purchase(who Who) }

// Arguments are the server's URL, a key of it, and the URL of whoever serves flags.
func Arguments() (url, key, flags string) { return os.Args[1], os.Args[2], os.Args[3] }

// Tell drives an SDK through the story.
func Tell(sdk SDK) {
	expose := func(who Who, flag, variant, insertID string) {
		sdk.Expose(who, flag, variant, insertID)
		pause()
	}

	expose(Who{User: "set-user"}, "checkout", "treatment", "")

	expose(Who{User: "unset-user"}, "checkout", "treatment", "")
	expose(Who{User: "unset-user"}, "checkout", "", "")

	for _, variant := range []string{"a", "b", "a"} {
		expose(Who{User: "flip-user"}, "checkout", variant, "")
	}

	for range 2 {
		expose(Who{User: "duplicate-user"}, "checkout", "treatment", "the-same-id-twice")
	}

	expose(Who{User: "good-user-1"}, "checkout", "treatment", "")
	sdk.Bad()
	pause()
	expose(Who{User: "good-user-2"}, "checkout", "treatment", "")

	expose(Who{Device: "anonymous-device"}, "banner", "on", "")
	if identifier, can := sdk.(Identifier); can {
		identifier.Identify(Who{User: "login-user", Device: "anonymous-device"})
		pause()
	}
	expose(Who{User: "login-user", Device: "anonymous-device"}, "checkout", "treatment", "")

	if purchaser, can := sdk.(Purchaser); can {
		purchaser.Purchase(Who{User: "set-user"})
	}
}

// Report tells the version of a module, and more, as the program's last line.
func Report(module string, told map[string]any) {
	info, _ := debug.ReadBuildInfo()
	for _, dependency := range info.Deps {
		if dependency.Path == module {
			told["version"] = dependency.Version
		}
	}
	// The harness looks for the line that begins so.
	rest, err := json.Marshal(told)
	if err != nil {
		panic(err)
	}
	fmt.Printf("{\"sdk\":%q,%s\n", module, rest[1:])
}

// Codes gathers what an SDK tells of its events.
type Codes struct {
	mutex sync.Mutex
	codes []int
}

// Add notes a code.
func (c *Codes) Add(code int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.codes = append(c.codes, code)
}

// Wait waits until the SDK has told of so many events, and gives what it told.
func (c *Codes) Wait(wanted int) []int {
	for deadline := time.Now().Add(Patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		c.mutex.Lock()
		codes := c.codes
		c.mutex.Unlock()
		if len(codes) >= wanted {
			return codes
		}
	}
	panic(fmt.Sprintf("the SDK told of %d events, not of %d", len(c.codes), wanted))
}

// pause lets the clock move on, so that no two events of one user have the same millisecond.
func pause() { time.Sleep(5 * time.Millisecond) }
