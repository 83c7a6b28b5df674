import com.amplitude.experiment.Experiment;
import com.amplitude.experiment.ExperimentUser;
import com.amplitude.experiment.RemoteEvaluationClient;
import com.amplitude.experiment.RemoteEvaluationConfig;
import com.amplitude.experiment.Variant;
import java.util.Objects;

/**
 * com.amplitude:experiment-jvm-server, whose release on Maven Central evaluates and tracks nothing: what it gives is
 * exposed through com.amplitude:java-sdk.
 */
final class AmplitudeExperiment extends AmplitudeAnalytics {
  private final RemoteEvaluationClient experiment;

  private AmplitudeExperiment(String url, String key, String flags) {
    super(url, key);
    RemoteEvaluationConfig config = RemoteEvaluationConfig.builder().serverUrl(flags).build();
    experiment = Experiment.initializeRemote("a-deployment-key", config);
  }

  @Override
  public void expose(Who who, String flag, String wants, String insertId) throws Exception {
    ExperimentUser.Builder user = ExperimentUser.builder();
    if (who.user() != null) user.userId(who.user());
    if (who.device() != null) user.deviceId(who.device());
    if (wants != null) user.userProperty("wants", wants);
    Variant variant = experiment.fetch(user.build()).get().get(flag);
    String told = variant == null ? null : variant.value;
    if (!Objects.equals(told, wants)) throw new IllegalStateException(flag + " is " + told + ", not " + wants);
    super.expose(who, flag, told, insertId);
  }

  public static void main(String[] args) throws Exception {
    AmplitudeExperiment adapter = new AmplitudeExperiment(args[0], args[1], args[2]);
    adapter.tell();
    Story.report("experiment-jvm-server", Experiment.class, adapter.end());
    System.exit(0);
  }
}
