package lambari;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import com.amazonaws.services.lambda.runtime.api.client.AWSLambda;
import com.amazonaws.services.lambda.runtime.api.client.EventHandlerLoader;
import com.amazonaws.services.lambda.runtime.api.client.HandlerInfo;
import com.amazonaws.services.lambda.runtime.api.client.runtimeapi.LambdaRuntimeApiClientImpl;
import com.amazonaws.services.lambda.runtime.serialization.PojoSerializer;
import com.amazonaws.services.lambda.runtime.serialization.factories.JacksonFactory;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.Security;
import java.util.Map;
import java.util.TimeZone;

/**
 * A machine that is started before its function is known, and does meanwhile what each function's start would do. It must not look at
 * any variable of the environment before {@link #receive}: Java reads them all at the first look, and keeps them.
 */
public final class Waiting {
  // Sleeps until the slot is given its function, and makes the function's variables and folder this process's.
  private static native void receive();

  /** With an argument, which is a handler, it does not wait. */
  public static void main(String[] arguments) throws Throwable {
    rehearse();
    if (arguments.length == 0) {
      System.load("/var/lambari/liblambari-slot.so");
      receive();
      arguments = new String[] {System.getenv("_HANDLER")};
    }
    AWSLambda.main(arguments);
  }

  /** Of the handlers the one that the interface client loads without a look at its variables. */
  public static final class Handler implements RequestStreamHandler {
    @Override
    public void handleRequest(InputStream event, OutputStream answer, Context context) {}
  }

  private static void rehearse() throws Exception {
    new LambdaRuntimeApiClientImpl("127.0.0.1:9001"); // loads the native client; connects later
    EventHandlerLoader.loadEventHandler(HandlerInfo.fromString(Handler.class.getName(), Waiting.class.getClassLoader()));
    var event = "{\"key\": \"value\", \"list\": [1, 2.5, true, null], \"inner\": {\"a\": \"b\"}}".getBytes(StandardCharsets.UTF_8);
    for (var type : new Class<?>[] {Map.class, Object.class}) {
      @SuppressWarnings("unchecked")
      var serializer = (PojoSerializer<Object>) JacksonFactory.getInstance().getSerializer(type);
      serializer.toJson(serializer.fromJson(new ByteArrayInputStream(event)), new ByteArrayOutputStream());
    }
    Security.getProperty("networkaddress.cache.negative.ttl");
    var nowhere = new URL[] {Path.of("/var/runtime/lib/aws-lambda-java-core.jar").toUri().toURL(), Path.of("/var/runtime/").toUri().toURL()};
    try (var loader = new URLClassLoader(nowhere)) {
      loader.loadClass("Nothing");
    } catch (ClassNotFoundException expected) {
      // only the way there was wanted
    }
    // Some of this wants to know the time zone, which is a variable too.
    System.clearProperty("user.timezone");
    TimeZone.setDefault(null);
  }
}
