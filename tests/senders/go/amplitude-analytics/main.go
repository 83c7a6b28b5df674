// amplitude/analytics-go: exposures tracked by hand, and a property set by an identify.
package main

import (
	"time"

	"exposure/senders/story"

	"github.com/amplitude/analytics-go/amplitude"
)

const events = 15

type adapter struct{ client amplitude.Client }

func (a adapter) track(who story.Who, eventType, insertID string, properties map[string]any) {
	a.client.Track(amplitude.Event{
		EventType:       eventType,
		EventOptions:    amplitude.EventOptions{UserID: who.User, DeviceID: who.Device, InsertID: insertID},
		EventProperties: properties,
	})
}

func (a adapter) Expose(who story.Who, flag, variant, insertID string) {
	properties := map[string]any{"flag_key": flag}
	if variant != "" {
		properties["variant"] = variant
	}
	a.track(who, "$exposure", insertID, properties)
}

func (a adapter) Identify(who story.Who) {
	identify := amplitude.Identify{}
	identify.Set("plan", "pro")
	a.client.Identify(identify, amplitude.EventOptions{UserID: who.User, DeviceID: who.Device})
}

func (a adapter) Purchase(who story.Who) { a.track(who, "purchase", "", map[string]any{"price": 1}) }

// Too short an id: the server answers 400 for the whole upload, and the SDK sends the others again.
func (a adapter) Bad() {
	a.track(story.Who{User: "bad"}, "$exposure", "", map[string]any{"flag_key": "checkout", "variant": "treatment"})
}

func main() {
	url, key, _ := story.Arguments()
	var codes story.Codes
	config := amplitude.NewConfig(key)
	config.ServerURL = url + "/2/httpapi"
	config.FlushInterval = 200 * time.Millisecond
	config.ExecuteCallback = func(result amplitude.ExecuteResult) { codes.Add(result.Code) }
	client := amplitude.NewClient(config)
	story.Tell(adapter{client})
	told := codes.Wait(events)
	client.Shutdown()
	story.Report("github.com/amplitude/analytics-go", map[string]any{"codes": told})
}
