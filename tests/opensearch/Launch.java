import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;
import org.opensearch.transport.Netty4Plugin;

/** One node of OpenSearch on this machine, with its analysers: FOLDER HTTP-PORT TRANSPORT-PORT. */
public class Launch {
  static class Bare extends Node {
    Bare(Environment environment, Collection<Class<? extends Plugin>> plugins) {
      super(environment, plugins, true);
    }
  }

  public static void main(String[] given) throws Exception {
    Path folder = Path.of(given[0]);
    Path config = Files.createDirectories(folder.resolve("config"));
    Settings settings =
        Settings.builder()
            .put("path.home", folder)
            .put("node.name", "test")
            .put("network.host", "127.0.0.1")
            .put("http.port", given[1])
            .put("transport.port", given[2])
            .put("discovery.type", "single-node")
            .put("node.store.allow_mmap", false)
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
    Node node = new Bare(new Environment(settings, config), List.of(Netty4Plugin.class, CommonAnalysisPlugin.class));
    node.start();
    Thread.currentThread().join();
  }
}
