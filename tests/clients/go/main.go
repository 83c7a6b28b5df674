package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	pb "example/track/exposurev1"
)

const user = "user-1"

// Made once for each exposure: whatever is sent again under this insert_id counts once.
func exposureOf(flagKey string, variant *string) *pb.Event {
	return &pb.Event{
		UserId:   proto.String(user),
		InsertId: proto.String(uuid.NewString()),
		TimeUs:   proto.Int64(time.Now().UnixMicro()),
		Body:     &pb.Event_Exposure{Exposure: &pb.Exposure{FlagKey: &flagKey, Variant: variant}},
	}
}

func main() {
	connection, err := grpc.NewClient(os.Getenv("SERVER"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	defer connection.Close()
	ingest := pb.NewIngestServiceClient(connection)
	properties := pb.NewPropertyServiceClient(connection)
	queries := pb.NewExposureQueryServiceClient(connection)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+os.Getenv("KEY"))

	// The user saw a variant of one flag, and is no longer part of another: without a variant the property is unset.
	events := []*pb.Event{exposureOf("checkout", proto.String("treatment")), exposureOf("banner", nil)}
	batch := &pb.IngestRequest{Events: events, Library: proto.String("track-go/1")}

	// The second time stands for a retry after an answer that was lost.
	for range 2 {
		answer, err := ingest.Ingest(ctx, batch)
		check(err)
		for i, outcome := range answer.Outcomes {
			fmt.Printf("%s: %s\n", events[i].GetExposure().GetFlagKey(), whatOf(outcome))
		}
	}

	has, err := properties.GetUserProperties(ctx, &pb.GetUserPropertiesRequest{UserId: proto.String(user)})
	check(err)
	for _, it := range has.UserProperties.Properties {
		fmt.Printf("%s has %s=%s\n", user, it.FlagKey, it.Variant)
	}

	why, err := queries.Explain(ctx, &pb.ExplainRequest{UserId: proto.String(user), FlagKey: "checkout"})
	check(err)
	fmt.Printf("checkout is %s by %s of %s\n", why.GetVariant(), why.DecidedBy.GetInsertId(), why.DecidedBy.GetLibrary())
}

func whatOf(outcome *pb.EventOutcome) string {
	switch result := outcome.Result.(type) {
	case *pb.EventOutcome_Accepted:
		return "accepted " + result.Accepted.Effects[0].Kind.String()
	case *pb.EventOutcome_Duplicate:
		return "duplicate"
	case *pb.EventOutcome_Rejected:
		return "rejected " + result.Rejected.Message
	}
	return "unknown"
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
