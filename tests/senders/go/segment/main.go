// segmentio/analytics-go: exposures as Amplitude's documentation has them tracked through Segment.
package main

import (
	"exposure/senders/story"

	"github.com/segmentio/analytics-go/v3"
)

const ok, failed = 200, 0

type callback struct{ codes *story.Codes }

func (c callback) Success(analytics.Message)        { c.codes.Add(ok) }
func (c callback) Failure(analytics.Message, error) { c.codes.Add(failed) }

type adapter struct{ client analytics.Client }

func (a adapter) track(who story.Who, event, messageID string, properties analytics.Properties) {
	a.enqueue(analytics.Track{
		MessageId: messageID, UserId: who.User, AnonymousId: who.Device, Event: event, Properties: properties,
	})
}

func (a adapter) enqueue(message analytics.Message) {
	if err := a.client.Enqueue(message); err != nil {
		panic(err)
	}
}

func (a adapter) Expose(who story.Who, flag, variant, insertID string) {
	properties := analytics.NewProperties().Set("flag_key", flag)
	if variant != "" {
		properties.Set("variant", variant)
	}
	a.track(who, "$exposure", insertID, properties)
}

func (a adapter) Identify(who story.Who) {
	traits := analytics.NewTraits().Set("plan", "pro")
	a.enqueue(analytics.Identify{UserId: who.User, AnonymousId: who.Device, Traits: traits})
}

func (a adapter) Purchase(who story.Who) {
	a.track(who, "Order Completed", "", analytics.NewProperties().Set("revenue", 1))
}

func (a adapter) Bad() {
	a.track(story.Who{User: "bad-user"}, "$exposure", "", analytics.NewProperties().Set("variant", "treatment"))
}

func main() {
	url, key, _ := story.Arguments()
	var codes story.Codes
	client, err := analytics.NewWithConfig(key, analytics.Config{Endpoint: url, Callback: callback{&codes}})
	if err != nil {
		panic(err)
	}
	story.Tell(adapter{client})
	if err := client.Close(); err != nil {
		panic(err)
	}
	story.Report("github.com/segmentio/analytics-go/v3", map[string]any{"codes": codes.Wait(0)})
}
