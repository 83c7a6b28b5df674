import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.json.JSONObject;

/**
 * What every SDK is made to say, in the same order (node/story.mjs tells the same), and what a program tells at its
 * end.
 */
interface Story {
  /** How long a program waits for its SDK to be done. */
  long PATIENCE_MS = 30_000;

  /** A user, a device, or a user on a device; what is null is absent. */
  record Who(String user, String device) {}

  /** No variant says that the user left the experiment; no id lets the SDK make one. */
  void expose(Who who, String flag, String variant, String insertId) throws Exception;

  void identify(Who who);

  void purchase(Who who);

  void bad();

  /** Drives an SDK through the story. */
  default void tell() throws Exception {
    say(user("set-user"), "checkout", "treatment", null);

    say(user("unset-user"), "checkout", "treatment", null);
    say(user("unset-user"), "checkout", null, null);

    for (String variant : List.of("a", "b", "a")) {
      say(user("flip-user"), "checkout", variant, null);
    }

    for (int time = 0; time < 2; time++) {
      say(user("duplicate-user"), "checkout", "treatment", "the-same-id-twice");
    }

    say(user("good-user-1"), "checkout", "treatment", null);
    bad();
    pause();
    say(user("good-user-2"), "checkout", "treatment", null);

    Who both = new Who("login-user", "anonymous-device");
    say(new Who(null, "anonymous-device"), "banner", "on", null);
    identify(both);
    pause();
    say(both, "checkout", "treatment", null);

    purchase(user("set-user"));
  }

  private void say(Who who, String flag, String variant, String insertId) throws Exception {
    expose(who, flag, variant, insertId);
    pause();
  }

  private static Who user(String user) {
    return new Who(user, null);
  }

  /** Lets the clock move on, so that no two events of one user have the same millisecond. */
  private static void pause() throws InterruptedException {
    TimeUnit.MILLISECONDS.sleep(5);
  }

  /** Codes that an SDK tells of its events, from whatever thread. */
  final class Codes {
    private final List<Integer> codes = new ArrayList<>();

    synchronized void add(int code) {
      codes.add(code);
      notifyAll();
    }

    /** Waits until so many events were told of. */
    synchronized List<Integer> await(int wanted) throws InterruptedException {
      long deadline = System.currentTimeMillis() + PATIENCE_MS;
      while (codes.size() < wanted) {
        long left = deadline - System.currentTimeMillis();
        if (left <= 0) throw new IllegalStateException("told of " + codes.size() + " events, not of " + wanted);
        wait(left);
      }
      return List.copyOf(codes);
    }
  }

  /** Tells the version of an SDK, which its jar's name has, and more, as the program's last line. */
  static void report(String artifact, Class<?> ofSdk, List<Integer> codes) throws IOException {
    Path jar = Path.of(ofSdk.getProtectionDomain().getCodeSource().getLocation().getPath());
    String version = jar.getFileName().toString().replace(artifact + "-", "").replace(".jar", "");
    System.out.println("{\"sdk\":\"com.amplitude:" + artifact + "\"," //
        + new JSONObject().put("version", version).put("codes", codes).toString().substring(1));
  }
}
