// amplitude/experiment-go-server: exposures and assignments tracked by local evaluation.
package main

import (
	"fmt"
	"time"

	"exposure/senders/story"

	"github.com/amplitude/analytics-go/amplitude"
	"github.com/amplitude/experiment-go-server/pkg/experiment"
	"github.com/amplitude/experiment-go-server/pkg/experiment/local"
)

const events = 13

type adapter struct {
	flags       string
	config      amplitude.Config
	assignments *local.Client
	exposures   *local.Client
	clients     int
	seen        map[string]bool
}

// start gives a client of its own: the SDK keeps one for each deployment key.
func (a *adapter) start(config local.Config) *local.Client {
	config.ServerUrl = a.flags
	a.clients++
	client := local.Initialize(fmt.Sprintf("deployment-key-%d", a.clients), &config)
	if err := client.Start(); err != nil {
		panic(err)
	}
	return client
}

func (a *adapter) startExposures() *local.Client {
	return a.start(local.Config{ExposureConfig: &local.ExposureConfig{Config: a.config}})
}

func evaluate(client *local.Client, who story.Who, flag, wants string, tracks bool) {
	user := experiment.User{UserId: who.User, DeviceId: who.Device}
	user.UserProperties = map[string]any{"wants": wants}
	options := local.EvaluateOptions{FlagKeys: []string{flag}, TracksExposure: tracks}
	told, err := client.EvaluateV2WithOptions(&user, &options)
	if err != nil || told[flag].Key != wants {
		panic(fmt.Sprint(told, err))
	}
}

func (a *adapter) Expose(who story.Who, flag, variant, _ string) {
	if variant == "" {
		// The default variant is no exposure; its assignment takes the property away.
		evaluate(a.assignments, who, flag, "off", false)
		return
	}
	// What the SDK exposed once it does not expose again, until the process that runs it is another one.
	said := fmt.Sprint(who, flag, variant)
	if a.seen[said] {
		a.exposures = a.startExposures()
		a.seen = map[string]bool{}
	}
	a.seen[said] = true
	evaluate(a.exposures, who, flag, variant, true)
}

func (a *adapter) Bad() { evaluate(a.exposures, story.Who{User: "bad"}, "checkout", "treatment", true) }

func main() {
	url, key, flags := story.Arguments()
	var codes story.Codes
	config := amplitude.NewConfig(key)
	config.ServerURL = url + "/2/httpapi"
	config.FlushInterval = 100 * time.Millisecond
	config.ExecuteCallback = func(result amplitude.ExecuteResult) { codes.Add(result.Code) }
	a := &adapter{flags: flags, config: config, seen: map[string]bool{}}
	a.assignments = a.start(local.Config{AssignmentConfig: &local.AssignmentConfig{Config: config}})
	a.exposures = a.startExposures()
	story.Tell(a)
	told := codes.Wait(events)
	story.Report("github.com/amplitude/experiment-go-server", map[string]any{"codes": told})
}
