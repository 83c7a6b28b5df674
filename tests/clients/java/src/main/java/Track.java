import exposure.v1.EventOuterClass.Event;
import exposure.v1.EventOuterClass.EventOutcome;
import exposure.v1.EventOuterClass.Exposure;
import exposure.v1.ExposureQueryServiceGrpc;
import exposure.v1.ExposureQueryServiceOuterClass.ExplainRequest;
import exposure.v1.IngestServiceGrpc;
import exposure.v1.IngestServiceOuterClass.IngestRequest;
import exposure.v1.PropertyServiceGrpc;
import exposure.v1.PropertyServiceOuterClass.GetUserPropertiesRequest;
import io.grpc.ClientInterceptor;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

public final class Track {
    static final String USER = "user-1";

    public static void main(String[] args) throws InterruptedException {
        Metadata headers = new Metadata();
        Metadata.Key<String> authorization = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
        headers.put(authorization, "Bearer " + System.getenv("KEY"));
        ClientInterceptor withKey = MetadataUtils.newAttachHeadersInterceptor(headers);
        ManagedChannel channel = Grpc.newChannelBuilder(System.getenv("SERVER"), InsecureChannelCredentials.create())
            .intercept(withKey)
            .build();
        try {
            track(channel);
        } finally {
            channel.shutdown().awaitTermination(10, TimeUnit.SECONDS);
        }
    }

    static void track(ManagedChannel channel) {
        var ingest = IngestServiceGrpc.newBlockingStub(channel);
        var properties = PropertyServiceGrpc.newBlockingStub(channel);
        var queries = ExposureQueryServiceGrpc.newBlockingStub(channel);

        // The user saw a variant of one flag, and is no longer part of another: without a variant the property is unset.
        IngestRequest batch = IngestRequest.newBuilder()
            .addEvents(exposureOf(Exposure.newBuilder().setFlagKey("checkout").setVariant("treatment")))
            .addEvents(exposureOf(Exposure.newBuilder().setFlagKey("banner")))
            .setLibrary("track-java/1")
            .build();

        // The second time stands for a retry after an answer that was lost.
        for (int attempt = 0; attempt < 2; attempt++) {
            var answer = ingest.withDeadlineAfter(10, TimeUnit.SECONDS).ingest(batch);
            for (int i = 0; i < answer.getOutcomesCount(); i++) {
                String flagKey = batch.getEvents(i).getExposure().getFlagKey();
                System.out.println(flagKey + ": " + whatOf(answer.getOutcomes(i)));
            }
        }

        var user = GetUserPropertiesRequest.newBuilder().setUserId(USER).build();
        var has = properties.withDeadlineAfter(10, TimeUnit.SECONDS).getUserProperties(user);
        for (var it : has.getUserProperties().getPropertiesList()) {
            System.out.println(USER + " has " + it.getFlagKey() + "=" + it.getVariant());
        }

        var question = ExplainRequest.newBuilder().setUserId(USER).setFlagKey("checkout").build();
        var why = queries.withDeadlineAfter(10, TimeUnit.SECONDS).explain(question);
        var by = why.getDecidedBy();
        System.out.println("checkout is " + why.getVariant() + " by " + by.getInsertId() + " of " + by.getLibrary());
    }

    // Made once for each exposure: whatever is sent again under this insert_id counts once.
    static Event exposureOf(Exposure.Builder exposure) {
        return Event.newBuilder()
            .setUserId(USER)
            .setInsertId(UUID.randomUUID().toString())
            .setTimeUs(System.currentTimeMillis() * 1000)
            .setExposure(exposure)
            .build();
    }

    static String whatOf(EventOutcome outcome) {
        return switch (outcome.getResultCase()) {
            case ACCEPTED -> "accepted " + outcome.getAccepted().getEffects(0).getKind();
            case DUPLICATE -> "duplicate";
            case REJECTED -> "rejected " + outcome.getRejected().getMessage();
            case RESULT_NOT_SET -> "unknown";
        };
    }
}
