use super::*;

fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers.insert("grpc-message", HeaderValue::from_static("fine"));
    trailers
}

async fn closed(is_text: bool) -> (Response<()>, Bytes) {
    let (sender, body) = Body::channel(4);
    assert!(sender.data(Bytes::from_static(b"\0\0\0\0\x02hi")).await);
    sender.end(Some(trailers())).await;
    let mut response = Response::new(body);
    let media_type = HeaderValue::from_static("application/grpc+proto");
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    Web { is_text }.close(&mut response);
    let (head, body) = response.into_parts();
    (Response::from_parts(head, ()), body.collect(1_000).await.unwrap().bytes)
}

const MESSAGES: &[u8] = b"\0\0\0\0\x02hi\x80\0\0\0\x24grpc-status: 0\r\ngrpc-message: fine\r\n";

#[tokio::test(flavor = "current_thread")]
async fn trailers_are_the_last_message() {
    let (head, bytes) = closed(false).await;
    assert_eq!(head.headers()[CONTENT_TYPE], "application/grpc-web+proto");
    assert_eq!(&bytes[..], MESSAGES);
}

#[tokio::test(flavor = "current_thread")]
async fn the_text_form_is_the_same_in_base64() {
    let (head, letters) = closed(true).await;
    assert_eq!(head.headers()[CONTENT_TYPE], "application/grpc-web-text+proto");
    let mut text = Decoder::default();
    assert_eq!(text.decode(&letters).unwrap(), MESSAGES);
    assert!(text.is_whole());
}

#[test]
fn base64_may_be_cut_and_padded_anywhere() {
    let letters = b"AAAAAAI=aGk=";
    for cut in 0..letters.len() {
        let mut text = Decoder::default();
        let mut bytes = text.decode(&letters[..cut]).unwrap();
        bytes.extend(text.decode(&letters[cut..]).unwrap());
        assert_eq!(bytes, b"\0\0\0\0\x02hi", "cut at {cut}");
        assert!(text.is_whole());
    }
    assert!(Decoder::default().decode(b"a*b=").is_none());
    let mut half = Decoder::default();
    assert_eq!(half.decode(b"aGk").unwrap(), b"");
    assert!(!half.is_whole());
}

#[tokio::test(flavor = "current_thread")]
async fn an_answer_that_is_no_grpc_stays() {
    let mut response = Response::new(Body::full("{}"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Web { is_text: true }.close(&mut response);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(response.into_body().collect(10).await.unwrap().bytes, "{}");
}
