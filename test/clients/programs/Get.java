import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** `java Get.java URL`: java.net.http, which takes its proxy from system properties. */
class Get {
  public static void main(String[] arguments) throws Exception {
    HttpClient client = HttpClient.newBuilder().proxy(java.net.ProxySelector.getDefault()).build();
    HttpRequest request = HttpRequest.newBuilder(URI.create(arguments[0])).build();
    System.out.println(client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
  }
}
