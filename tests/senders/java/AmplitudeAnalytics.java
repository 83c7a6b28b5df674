import com.amplitude.Amplitude;
import com.amplitude.AmplitudeCallbacks;
import com.amplitude.Event;
import java.util.List;
import org.json.JSONObject;

/** com.amplitude:java-sdk, which speaks TLS alone: exposures tracked by hand, and a property set by an identify. */
class AmplitudeAnalytics implements Story {
  private static final int EVENTS = 15;

  private final Amplitude client = Amplitude.getInstance();
  private final Codes codes = new Codes();

  AmplitudeAnalytics(String url, String key) {
    client.init(key);
    client.setServerUrl(url + "/2/httpapi");
    client.setEventUploadPeriodMillis(200);
    client.setCallbacks(
        new AmplitudeCallbacks() {
          @Override
          public void onLogEventServerResponse(Event event, int status, String message) {
            codes.add(status);
          }
        });
  }

  @Override
  public void expose(Who who, String flag, String variant, String insertId) throws Exception {
    // JSONObject leaves out what is null.
    track(who, "$exposure", insertId, new JSONObject().put("flag_key", flag).put("variant", variant));
  }

  @Override
  public void identify(Who who) {
    Event event = new Event("$identify", who.user(), who.device());
    event.userProperties = new JSONObject().put("$set", new JSONObject().put("plan", "pro"));
    client.logEvent(event);
  }

  @Override
  public void purchase(Who who) {
    track(who, "purchase", null, new JSONObject().put("price", 1));
  }

  @Override
  public void bad() {
    // Too short an id: the server answers 400 for the whole upload, and the SDK sends the others again.
    JSONObject properties = new JSONObject().put("flag_key", "checkout").put("variant", "treatment");
    track(new Who("bad", null), "$exposure", null, properties);
  }

  private void track(Who who, String type, String insertId, JSONObject properties) {
    Event event = new Event(type, who.user(), who.device());
    event.insertId = insertId;
    event.eventProperties = properties;
    client.logEvent(event);
  }

  /** Waits until the SDK has told of every event, and ends it. */
  List<Integer> end() throws InterruptedException {
    List<Integer> told = codes.await(EVENTS);
    client.shutdown();
    return told;
  }

  public static void main(String[] args) throws Exception {
    AmplitudeAnalytics adapter = new AmplitudeAnalytics(args[0], args[1]);
    adapter.tell();
    Story.report("java-sdk", Amplitude.class, adapter.end());
    System.exit(0);
  }
}
