import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.Map;

// Run once when the pack is built: the classes that it loads go into the archive that every function starts from.
public class Training implements RequestHandler<Map<String, Object>, Map<String, Object>> {
  public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
    context.getLogger().log("training " + context.getAwsRequestId());
    return Map.of("event", event);
  }
}
